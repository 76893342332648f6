"""Tests of fluxdoctor.collect.charts."""

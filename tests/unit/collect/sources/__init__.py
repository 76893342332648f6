"""Tests of fluxdoctor.collect.sources."""

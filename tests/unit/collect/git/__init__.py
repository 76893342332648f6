"""Tests of fluxdoctor.collect.git."""

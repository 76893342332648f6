"""Tests of fluxdoctor.collect.store."""

"""Tests of fluxdoctor.collect."""

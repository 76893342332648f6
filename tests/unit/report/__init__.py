"""Tests of fluxdoctor.report."""

"""Tests of fluxdoctor.intake."""

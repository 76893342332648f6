"""Tests of fluxdoctor.model."""

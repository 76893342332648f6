"""Tests of fluxdoctor.repository."""

"""Tests of fluxdoctor.app."""

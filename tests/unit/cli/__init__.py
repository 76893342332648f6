"""Tests of fluxdoctor.cli."""

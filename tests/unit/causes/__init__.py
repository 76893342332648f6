"""Tests of fluxdoctor.causes."""

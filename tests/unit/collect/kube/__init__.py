"""Tests of fluxdoctor.collect.kube."""

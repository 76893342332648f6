"""Reads Helm charts and repository indexes, merges the values of releases, and checks them by JSON schemas."""

"""Helm charts and repository indexes: how they are read, and what a chart makes of values."""

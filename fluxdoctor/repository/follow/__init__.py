"""Follows Kustomizations from each entry point to the contents of one cluster."""

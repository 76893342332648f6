"""Collectors for Helm repositories, OCI registries and buckets, and the credentials of sources."""

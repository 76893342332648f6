"""The collectors of Helm repositories, OCI registries and buckets, with the logins that sources name."""

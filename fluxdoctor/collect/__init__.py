"""Contains the code with I/O: clusters, git hosts, Helm repositories, registries, buckets and snapshot folders."""

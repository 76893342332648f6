"""The Kubernetes API: how to log in, how to ask, and what it serves."""

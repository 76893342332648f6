"""Contacts hosts: addresses, TLS, HTTP, deadlines and child processes. It does not depend on Secrets or Flux objects."""

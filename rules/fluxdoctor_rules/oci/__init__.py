"""Rules of the area oci."""

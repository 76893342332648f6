"""Rules of the area kustomize."""

"""What Flux builds of a folder: the generated kustomization file, kustomize, and variable substitution."""

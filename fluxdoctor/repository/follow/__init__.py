"""From each entry point through every Kustomization that it applies: what one cluster gets."""

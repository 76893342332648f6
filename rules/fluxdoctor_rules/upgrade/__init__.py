"""Rules about what an upgrade of Flux or Kubernetes breaks; they only run if a target version is set."""

"""Rules about what an upgrade of Flux or Kubernetes would break; they speak only when a target is named."""

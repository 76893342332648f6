"""Rules about flux-operator: FluxInstance, ResourceSet and its input providers."""

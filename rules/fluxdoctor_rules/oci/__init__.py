"""Rules about OCIRepositories and their registries."""

"""Rules about alerts, providers and webhook receivers."""

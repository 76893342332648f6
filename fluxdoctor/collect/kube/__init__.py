"""The Kubernetes API: login, lists, look-ups, and what a user is allowed to see."""

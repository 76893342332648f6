"""The documentation, and the site that is made of it."""

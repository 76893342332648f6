"""The pack double."""

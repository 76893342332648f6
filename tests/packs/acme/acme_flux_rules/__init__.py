"""The pack acme."""

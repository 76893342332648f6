"""The pack broken."""

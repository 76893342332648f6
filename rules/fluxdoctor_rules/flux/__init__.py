"""Rules of the area flux."""

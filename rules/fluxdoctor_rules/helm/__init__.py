"""Rules of the area helm."""

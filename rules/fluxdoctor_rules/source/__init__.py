"""Rules of the area source."""

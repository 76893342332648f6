"""Rules of the area notify."""

"""Rules of the area cluster."""

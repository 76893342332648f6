"""What rules of several areas use."""

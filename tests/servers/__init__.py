"""Real servers on loopback for tests and benchmarks: context managers that always stop what they start."""

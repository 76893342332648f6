"""The commands, one a file. Each parses its options into a dataclass and calls one use case."""

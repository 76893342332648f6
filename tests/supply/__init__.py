"""Input that tries to mislead, stop or break the program."""

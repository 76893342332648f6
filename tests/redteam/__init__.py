"""Attacks on the program: repositories, snapshots, servers and clients that want to mislead, stop or break it."""

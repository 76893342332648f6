"""The rules that fluxdoctor ships: a pack like any other."""

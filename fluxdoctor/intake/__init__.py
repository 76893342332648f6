"""Bytes become facts here: YAML, Secrets, ignore files and trees.

Pure; no value of a Secret leaves this package but to the collectors that log in with it.
"""

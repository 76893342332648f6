"""Tests that mirror the package: a folder here has the name of the folder that it tests."""

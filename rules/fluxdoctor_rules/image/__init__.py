"""Rules about image scanning, policies and automation."""

"""Snapshots on disk: the folder of format 1 and its .tgz, read and written."""

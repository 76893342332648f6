"""The only code with I/O: everything that fetches facts into a Snapshot."""

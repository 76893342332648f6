"""The command line: arguments, output, exit code. Each command imports what it needs, so that --help stays quick."""

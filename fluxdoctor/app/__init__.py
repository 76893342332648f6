"""The use cases. The command line, the MCP server, tests and benchmarks call these."""

"""The MCP server: the diagnosis and the Flux tools, safe for an agent to hold."""

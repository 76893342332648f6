"""A server whose tools answer invalid arguments with what is wrong and what is valid."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import (
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    InputRequiredResult,
    Tool,
)
from pydantic import ValidationError

from fluxdoctor.mcp import arguments, library
from fluxdoctor.mcp.quote import quoted
from fluxdoctor.mcp.sessions import DiagnosisCache

#: The tools that change a cluster: an agent that knows their names learns why they are missing.
WRITING = ("flux_reconcile_tool", "flux_suspend_tool", "flux_resume_tool")
_FEW = 5
_MAX_ARGUMENTS = 16_384  # what a pipe takes at once, and more than any name or path needs


class CheckedServer(MCPServer[Any]):
    """Checks arguments: the library's server passes on pydantic's messages, and ignores arguments that a tool does not have."""

    def __init__(self, diagnoses: DiagnosisCache, **more: Any) -> None:
        super().__init__(**more)
        self.diagnoses = diagnoses

    async def list_tools(self) -> list[Tool]:
        """Return the tools; their descriptions without the indentation of our code, which every conversation would pay for."""
        tools = await super().list_tools()
        return [tool.model_copy(update={"description": cleandoc(tool.description or "")}) for tool in tools]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. Raises ToolError with what would be valid."""
        await self.check(name, arguments)
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_message(error.__cause__)) from None
            raise

    async def complete(self, argument: CompletionArgument, context: CompletionContext | None) -> Completion:
        """Return what an argument that begins so may be."""
        return library.complete(self.diagnoses, argument, context)

    async def check(self, name: str, arguments: dict[str, Any]) -> None:
        """Check that a tool exists and has these arguments, and that they are not too long. Raises ToolError."""
        schemas = {tool.name: tool.input_schema for tool in await self.list_tools()}
        if name not in schemas:
            raise _no_tool(name, schemas)
        _check_names(name, arguments, schemas[name])
        if len(repr(arguments)) > _MAX_ARGUMENTS:
            raise ToolError(f"the arguments are too long: {name} takes at most {_MAX_ARGUMENTS} characters of them")


def _no_tool(name: str, tools: dict[str, Any]) -> ToolError:
    if name in WRITING:
        return ToolError(
            f"{name} is not available: the server is read-only, because it was started without --allow-writes"
        )
    return arguments.one_of("tool", name, tools)


def _check_names(tool: str, values: dict[str, Any], schema: dict[str, Any]) -> None:
    valid = list(schema.get("properties", {}))
    for name in values:
        if name not in valid:
            raise ToolError(f"{tool} has no argument {quoted(name, 80)}; valid: {', '.join(valid)}")
    missing = [name for name in schema.get("required", ()) if name not in values]
    if missing:
        raise ToolError(f"{tool} requires {', '.join(missing)}; valid: {', '.join(valid)}")


def _message(error: ValidationError) -> str:
    rows = []
    for row in error.errors(include_url=False, include_context=False)[:_FEW]:
        where = ".".join(str(part) for part in row["loc"])
        what = row["msg"].removeprefix("Input should be ").rstrip(".")
        rows.append(f"{quoted(where, 80).strip('«»')} is {quoted(str(row['input']), 80)}; valid: {what}")
    return "; ".join(rows)

"""The official client, in memory and over stdio, in both protocol versions; one blocking call for a test."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.client import Client

from fluxdoctor.collect import live
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings

T = TypeVar("T")
INCIDENTS = Path(__file__).resolve().parents[2] / "fixtures" / "incidents"
MODES = ("auto", "legacy")
READING = [
    "check_repository", "dependency_graph", "diagnose", "explain_rule", "flux_helmreleases_list_tool",
    "flux_kustomizations_list_tool", "flux_sources_list_tool", "get_events",
]  # fmt: skip
WRITING = ["flux_reconcile_tool", "flux_resume_tool", "flux_suspend_tool"]


def stdio(*arguments: str) -> StdioServerParameters:
    """Return how a client starts the server: with the modules of the test, which a client would not pass on."""
    paths = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else None
    return StdioServerParameters(command=sys.executable, args=["-m", "fluxdoctor", "mcp", *arguments], env=paths)


def drive(server: Any, use: Callable[[Client], Awaitable[T]], mode: str = "auto") -> T:
    """Use one connection of a client, for a minute at the most."""

    async def run() -> T:
        with anyio.fail_after(60):
            async with Client(server, mode=mode) as client:
                return await use(client)

    return anyio.run(run)


def call(server: Any, tool: str, mode: str = "auto", **arguments: Any) -> dict[str, Any]:
    """Call a tool, and return its structured answer; an error is the test's."""

    async def use(client: Client) -> dict[str, Any]:
        answer = await client.call_tool(tool, arguments)
        assert not answer.is_error, answer.content
        assert answer.structured_content is not None
        return dict(answer.structured_content)

    return drive(server, use, mode)


def refusal(server: Any, tool: str, **arguments: Any) -> str:
    """Call a tool that must refuse, and return its words."""

    async def use(client: Client) -> str:
        answer = await client.call_tool(tool, arguments)
        assert answer.is_error
        (block,) = answer.content
        assert block.type == "text"
        return block.text.removeprefix(f"Error executing tool {tool}: ")

    return drive(server, use)


def names(server: Any, mode: str = "auto") -> list[str]:
    """Return the names of the tools that a server offers, sorted."""

    async def use(client: Client) -> list[str]:
        return sorted(tool.name for tool in (await client.list_tools()).tools)

    return drive(server, use, mode)


def of(incident: str, **more: Any) -> Any:
    """Return a server in memory that answers from a recorded incident."""
    return build(ServerSettings(snapshot=INCIDENTS / incident, **more))


def hanging(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let the reading of a cluster hang until its call is called off; return where each that ended says whether it was."""
    ended: list[bool] = []

    def hang(_: object, deadline: Deadline, __: object, tell: Callable[[str], object]) -> None:
        tell("listing Flux objects")
        try:
            deadline.sleep(30)
        finally:
            ended.append(deadline.cancelled)

    monkeypatch.setattr(live, "collect", hang)
    return ended

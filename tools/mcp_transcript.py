"""Writes a real client's calls on the demo incident, with the answers, into docs/mcp.md: `python tools/mcp_transcript.py`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import anyio
from mcp import StdioServerParameters
from mcp.client import Client

ROOT = Path(__file__).parent.parent
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("diagnose", {}),
    ("diagnose", {"kind": "hr", "name": "redis", "namespace": "backend"}),
    ("flux_helmreleases_list_tool", {"namespace": "backend"}),
    ("explain_rule", {"rule": "helm/chart-version-mising"}),
)


async def transcript() -> str:
    """Return the calls and their answers over stdio, as Markdown."""
    argv = ["-m", "fluxdoctor", "mcp", "--from", str(ROOT / "fluxdoctor" / "demo")]
    parts = []
    async with Client(StdioServerParameters(command=sys.executable, args=argv)) as client:
        for tool, arguments in CALLS:
            answer = await client.call_tool(tool, arguments)
            content = answer.structured_content or [getattr(block, "text", "") for block in answer.content]
            if isinstance(content, dict):
                content = {key: value for key, value in content.items() if key != "age_seconds"}
            text = json.dumps(content, indent=1, ensure_ascii=False)
            parts.append(f"`{tool}` {json.dumps(arguments)}\n\n```json\n{text}\n```\n")
    return "\n".join(parts)


def filled(page: str) -> str:
    """Return the page with a new transcript."""
    body = anyio.run(transcript)
    return re.sub(r"(<!-- transcript -->\n).*?(<!-- /transcript -->)", lambda m: m[1] + body + m[2], page, flags=re.S)


if __name__ == "__main__":
    path = ROOT / "docs" / "mcp.md"
    path.write_text(filled(path.read_text("utf-8")), "utf-8")

"""Resources, prompts, completion, progress and calling off, with the official client in both protocol versions."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.mcp.quote import NOTE
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from fluxdoctor.rule import installed
from tests.mcp.clients import INCIDENTS, MODES, drive, hanging, of

INCIDENT = "cascade-chain-top"


async def text(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    return str(getattr(content, "text", ""))


@pytest.mark.parametrize("mode", MODES)
def test_every_resource_is_read(mode: str) -> None:
    rules = installed()

    async def use(client: Client) -> list[str]:
        listed = {str(r.uri) for r in (await client.list_resources()).resources}
        assert listed == {"fluxdoctor://rules", "fluxdoctor://report", "fluxdoctor://graph"}
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "fluxdoctor://rules/{area}/{rule}"
        with pytest.raises(MCPError, match="no diagnosis yet; call the tool diagnose first"):
            await client.read_resource("fluxdoctor://report")
        with pytest.raises(MCPError, match="rule «kustomize/path-not-fond» not found; valid: kustomize/path-not-found"):
            await client.read_resource("fluxdoctor://rules/kustomize/path-not-fond")
        await client.call_tool("diagnose", {})
        uris = (
            "fluxdoctor://rules",
            "fluxdoctor://rules/kustomize/path-not-found",
            "fluxdoctor://report",
            "fluxdoctor://graph",
        )
        return [await text(client, uri) for uri in uris]

    catalogue, page, report, graph = drive(of(INCIDENT), use, mode)
    rule = rules.get("kustomize/path-not-found")
    assert rule is not None
    assert [line.split("\t")[0] for line in catalogue.splitlines()] == [r.id for r in rules.rules]
    assert page == rule.page
    found = diagnose(snapshot_folder.load(INCIDENTS / INCIDENT)).findings
    assert [f["fingerprint"] for f in json.loads(report)["findings"]] == [f.fingerprint for f in found]
    assert graph.startswith("flowchart LR\n")
    assert ":::cause" in graph


@pytest.mark.parametrize("mode", MODES)
def test_every_prompt_is_filled(mode: str) -> None:
    asked = {
        "triage_cluster": ({"namespace": "apps"}, "Call diagnose with namespace=apps."),
        "check_before_merge": ({"path": "fleet"}, "Call check_repository with path=«fleet»"),
        "explain_finding": ({"fingerprint": "0123"}, "Call diagnose, find the finding with fingerprint 0123,"),
        "plan_maintenance": (
            {"kind": "ks", "name": "apps", "namespace": "flux-system"}, "Plan a maintenance pause of ks/flux-system/apps.",
        ),
    }  # fmt: skip

    async def use(client: Client) -> dict[str, str]:
        assert {p.name for p in (await client.list_prompts()).prompts} == set(asked)
        said = {}
        for name, (arguments, _) in asked.items():
            (message,) = (await client.get_prompt(name, arguments)).messages
            said[name] = str(getattr(message.content, "text", ""))
        return said

    for name, said in drive(of(INCIDENT), use, mode).items():
        assert (said.startswith(asked[name][1]), said.endswith(NOTE)) == (True, True), said


@pytest.mark.parametrize("mode", MODES)
def test_what_was_read_completes(mode: str) -> None:
    pause, page = (
        PromptReference(name="plan_maintenance"),
        ResourceTemplateReference(uri="fluxdoctor://rules/{area}/{rule}"),
    )

    async def use(client: Client) -> list[list[str]]:
        async def values(ref: Any, argument: str, value: str, chosen: dict[str, str] | None = None) -> list[str]:
            got = await client.complete(ref, {"name": argument, "value": value}, context_arguments=chosen)
            return got.completion.values

        await client.call_tool("diagnose", {})
        return [
            await values(pause, "namespace", "flux"),
            await values(pause, "kind", "Kus"),
            await values(pause, "name", "infra", {"kind": "Kustomization", "namespace": "flux-system"}),
            await values(page, "area", "kus"),
            await values(page, "rule", "path-not-f", {"area": "kustomize"}),
        ]

    assert drive(of(INCIDENT), use, mode) == [
        ["flux-system"], ["Kustomization"], ["infra-configs", "infra-controllers"], ["kustomize"], ["path-not-found"],
    ]  # fmt: skip


def test_a_long_run_tells_how_it_goes_and_ends_when_it_is_called_off(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = hanging(monkeypatch)
    told: list[str | None] = []

    async def use(client: Client) -> None:
        async def heard(progress: float, total: float | None, message: str | None) -> None:
            told.append(message)

        with anyio.move_on_after(1):
            await client.call_tool("diagnose", {}, progress_callback=heard)
        with anyio.fail_after(5):
            while not ended:  # noqa: ASYNC110 - it is set by another thread
                await anyio.sleep(0.05)

    drive(build(ServerSettings()), use)
    assert (told, ended) == (["listing Flux objects"], [True])

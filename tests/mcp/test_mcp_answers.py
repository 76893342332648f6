"""What an answer is about, how long it is, and how the rest of it is had."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.mcp.answers import compact
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from fluxdoctor.rule import installed
from tests.mcp.clients import INCIDENTS, READING, WRITING, call, drive, of, refusal

CHAIN = "cascade-chain-top"
ALL = "namespace, kind, name, context, path, cursor, max_tokens, fresh"


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("diagnose", {"max_tokens": 5}, "max_tokens is «5»; valid: greater than or equal to 300"),
        ("diagnose", {"fresh": "perhaps"}, "fresh is «perhaps»; valid: a valid boolean, unable to interpret input"),
        ("diagnose", {"name": ["a"], "kind": "ks"}, "name is «['a']»; valid: a valid string"),
        ("diagnose", {"namespac": "apps"}, f"diagnose has no argument «namespac»; valid: {ALL}"),
        ("diagnose", {"kind": "ks", "name": "../apps"}, "name «../apps» is not a valid name of an object"),
        ("diagnose", {"kind": "ks", "name": ".."}, "name «..» is not a valid name of an object"),
        ("diagnose", {"namespace": "a/b"}, "namespace «a/b» is not a valid namespace of an object"),
        ("diagnose", {"namespace": "flux-sistem"}, "namespace «flux-sistem» not found; valid: flux-system, kube-system (10 in all)"),
        (
            "diagnose", {"kind": "ks", "name": "infra-config"},
            "Kustomization «infra-config» not found; valid: flux-system/infra-configs, flux-system/infra-controllers, "
            "flux-system/apps, flux-system/flux-system, flux-system/sources, flux-system/webapp",
        ),
        (
            "diagnose", {"kind": "ks", "name": "apps", "namespace": "apps"},
            "namespace of Kustomization apps is missing or wrong; valid: flux-system",
        ),
        ("explain_rule", {}, "explain_rule requires rule; valid: rule, context"),
        ("diagnos", {}, "tool «diagnos» not found; valid: diagnose"),
        (
            "flux_resume_tool", {},
            "flux_resume_tool is not available: the server is read-only, because it was started without --allow-writes",
        ),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_answered_with_the_right_ones(tool: str, arguments: dict[str, Any], words: str) -> None:
    assert refusal(of(CHAIN), tool, **arguments) == words


def test_every_tool_takes_a_context_and_refuses_one_that_it_does_not_know() -> None:
    server = build(ServerSettings(contexts=("prod-eu", "prod-us"), writes=True))
    needed = {"explain_rule": {"rule": "flux/unexplained"}, "check_repository": {"path": "fleet"}}
    app = {"kind": "ks", "name": "apps", "namespace": "flux-system"}

    async def use(client: Client) -> dict[str, str]:
        said = {}
        for tool in (await client.list_tools()).tools:
            asked = app if tool.name in WRITING else needed.get(tool.name, {})
            answer = await client.call_tool(tool.name, {**asked, "context": "prod-e"})
            said[tool.name] = getattr(answer.content[0], "text", "").removeprefix(f"Error executing tool {tool.name}: ")
        return said

    assert drive(server, use) == dict.fromkeys(
        (*READING, *WRITING), "context «prod-e» not found; valid: prod-eu, prod-us"
    )
    assert "Contexts: prod-eu, prod-us. The first is the default." in (server.instructions or "")


def test_the_verdict_is_that_on_what_was_asked_about() -> None:
    server = of(CHAIN)
    whole = call(server, "diagnose")
    well = call(server, "diagnose", kind="gitrepository", name="flux-system", namespace="flux-system")
    ill = call(server, "diagnose", kind="ks", name="apps")
    short = ("verdict", "objects", "not_ready", "total")
    assert [whole[key] for key in short] == ["broken", whole["objects"], 4, 1]
    assert [well[key] for key in short] == ["healthy", 1, 0, 0]
    assert (well["object"]["state"], well["object"]["name"]) == ("ready", "flux-system")
    assert [ill[key] for key in short] == ["broken", 1, 1, 1]
    assert (ill["object"]["state"], ill["object"]["reason"]) == ("failed", "DependencyNotReady")
    elsewhere = call(server, "diagnose", namespace="kube-system")
    assert [elsewhere[key] for key in short] == ["healthy", 0, 0, 0]


def test_an_object_that_is_missing_is_told_where_it_is_the_cause() -> None:
    answer = call(of("ks-removed-from-parent"), "diagnose", kind="ks", name="webapp", namespace="flux-system")
    assert [(f["rule"], f["subject"]["name"]) for f in answer["findings"]] == [
        ("kustomize/managed-object-missing", "webapp")
    ]
    assert answer["note"] == "Kustomization/flux-system/webapp was not read"


LIST = "format: 1\ntaken: 2026-01-02T03:04:05Z\nlisted: [{kind: Kustomization, namespaces: all}, {kind: Namespace, namespaces: all}]\n"


def kustomization(number: int) -> dict[str, Any]:
    name = f"team-{number:03}"
    said = f"kustomization path not found: stat /tmp/kustomization-1/{name}: no such file or directory"
    ready = {"type": "Ready", "status": "False", "reason": "ArtifactFailed", "message": said, "lastTransitionTime": "2026-01-02T03:00:00Z"}  # fmt: skip
    source = {"kind": "GitRepository", "name": "fleet"}
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": f"space-{number % 7}", "generation": 1},
        "spec": {"interval": "10m", "prune": True, "path": f"./{name}", "sourceRef": source},
        "status": {"conditions": [ready], "observedGeneration": 1},
    }


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster with 200 faults that have nothing to do with each other."""
    root = tmp_path_factory.mktemp("many")
    (root / "cluster").mkdir()
    (root / "snapshot.yaml").write_text(LIST, "utf-8")
    spaces: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"space-{i}"}} for i in range(7)
    ]
    items = {"apiVersion": "v1", "kind": "List", "items": [*spaces, *map(kustomization, range(200))]}
    (root / "cluster" / "all.json").write_text(dumps(items), "utf-8")
    return root


def pages(server: Any, tool: str, **arguments: Any) -> list[dict[str, Any]]:
    async def use(client: Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while not found or found[-1]["cursor"]:
            cursor = found[-1]["cursor"] if found else ""
            answer = await client.call_tool(tool, {**arguments, "cursor": cursor})
            assert not answer.is_error, answer.content
            found.append(dict(answer.structured_content or {}))
        return found

    return drive(server, use)


@pytest.mark.parametrize("tokens", [300, 2000, 20_000])
def test_the_pages_hold_every_finding_once_and_each_is_short(tokens: int, many: Path) -> None:
    found = diagnose(snapshot_folder.load(many)).findings
    assert len(found) >= 200
    got = pages(build(ServerSettings(snapshot=many)), "diagnose", max_tokens=tokens)
    assert [f["fingerprint"] for page in got for f in page["findings"]] == [f.fingerprint for f in found]
    assert {page["total"] for page in got} == {len(found)}
    one = max(len(compact(f)) for page in got for f in page["findings"])
    assert max(len(compact(page)) for page in got) <= max(3 * tokens, 1500 + one)


def test_the_pages_hold_every_line_of_a_graph_once(many: Path) -> None:
    got = pages(build(ServerSettings(snapshot=many)), "dependency_graph", max_tokens=600)
    lines = [line for page in got for line in page["lines"]]
    nodes = [line for line in lines if not line.partition(" ")[2].startswith("-> ")]
    assert [line.partition(" ")[0] for line in nodes] == [str(i) for i in range(got[0]["total"])]
    assert len(set(lines)) == len(lines)
    assert {page["mermaid"] for page in got} == {""}
    assert max(len(compact(page)) for page in got) <= 3 * 600


def test_a_graph_of_a_namespace_is_of_that_alone(many: Path) -> None:
    answer = call(build(ServerSettings(snapshot=many)), "dependency_graph", namespace="space-3", max_tokens=20_000)
    assert "space-3/team-003" in answer["mermaid"]
    assert "space-2/" not in answer["mermaid"]


def test_a_cursor_goes_on_with_its_reading_until_that_is_gone(many: Path) -> None:
    server = build(ServerSettings(snapshot=many))

    async def use(client: Client) -> list[Any]:
        async def diagnosed(**arguments: Any) -> Any:
            return await client.call_tool("diagnose", {"max_tokens": 600, **arguments})

        first = (await diagnosed()).structured_content
        await diagnosed(fresh=True)
        second = await diagnosed(cursor=first["cursor"])
        other = await diagnosed(cursor=first["cursor"], namespace="space-1")
        for _ in range(8):
            await diagnosed(fresh=True)
        gone = await diagnosed(cursor=first["cursor"])
        shown = len(first["findings"])
        told = [answer.content[0].text.partition(": ")[2] for answer in (other, gone)]
        return [second.structured_content["findings"][0]["subject"]["name"], shown, *told]

    name, shown, *told = drive(server, use)
    assert name == diagnose(snapshot_folder.load(many)).findings[shown].subject.name
    words = "this cursor belongs to another diagnosis or to other arguments; omit it to start from the beginning"
    assert told == [words, words]


def test_an_answer_of_default_length_is_within_the_budget() -> None:
    too_long: dict[tuple[str, str], int] = {}
    for name in sorted(p.name for p in INCIDENTS.iterdir() if (p / "snapshot.yaml").is_file())[::10]:
        server = of(name)

        async def use(client: Client) -> dict[str, int]:
            tools = [tool for tool in READING if tool not in ("check_repository", "explain_rule")]
            return {tool: len(compact((await client.call_tool(tool, {})).structured_content)) for tool in tools}

        too_long |= {(name, tool): size for tool, size in drive(server, use).items() if size > 3 * 2000}
    assert too_long == {}


def test_every_rule_is_explained_within_the_budget() -> None:
    async def use(client: Client) -> dict[str, int]:
        sizes = {}
        for rule in installed().rules:
            answer = await client.call_tool("explain_rule", {"rule": rule.id})
            assert not answer.is_error, answer.content
            sizes[rule.id] = len(compact(answer.structured_content))
        return sizes

    assert {rule: size for rule, size in drive(of(CHAIN), use).items() if size > 3 * 2000} == {}


def test_what_a_model_reads_of_the_tools_is_short_and_says_what_each_argument_is() -> None:
    async def use(client: Client) -> list[Any]:
        return list((await client.list_tools()).tools)

    tools = drive(build(ServerSettings(writes=True)), use)
    assert [tool.name for tool in tools if not 40 < len(tool.description or "") < 400] == []
    assert [tool.name for tool in tools if "  " in (tool.description or "")] == []
    undescribed = [
        (tool.name, name)
        for tool in tools
        for name, schema in tool.input_schema["properties"].items()
        if not schema.get("description")
    ]
    assert undescribed == []

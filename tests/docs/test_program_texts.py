"""The house style of the program's own texts: help of the command line, errors, and the descriptions that agents read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from mcp.client import Client

from fluxdoctor.cli.main import cli
from fluxdoctor.cli.options import EXITS
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from tests.helpers.house_style import PROGRAM, STOP, banned, of_description
from tests.helpers.worlds import ROOT
from tests.mcp.clients import READING, WRITING, drive

#: Words of a sentence: the help of a command line is read in a hurry, a description by a model.
LONGEST_HELP, LONGEST_DESCRIPTION = 20, 25
VERBS = {"Check", "Create", "Diagnose", "Draw", "Find", "List", "Print", "Save", "Serve", "Show"}
#: A text of kustomize, which is matched.
QUOTED = "may not add resource with an already registered id"
#: Packages that have texts for users.
PACKAGES = ("app", "causes", "cli", "collect", "mcp", "model", "report", "repository", "settings")


def helps() -> Iterator[tuple[str, str]]:
    """Where, and the text: the short help, each paragraph of the help, and each option of every command."""
    for name, command in (("fluxdoctor", cli), *cli.commands.items()):
        yield f"{name}", command.get_short_help_str(limit=100)
        for i, paragraph in enumerate((command.help or "").split("\n\n")):
            if "\b" not in paragraph:
                yield f"{name} paragraph {i + 1}", paragraph
        for option in command.params:
            if isinstance(option, click.Option):
                yield f"{name} {option.opts[0]}", option.help or ""


@pytest.mark.parametrize(("place", "text"), [pytest.param(*row, id=row[0]) for row in helps()])
def test_help(place: str, text: str) -> None:
    assert list(of_description(text, LONGEST_HELP)) == []
    if place in cli.commands or place.endswith(" paragraph 1"):
        assert text.partition(" ")[0] in VERBS


def test_every_command_has_a_help_of_its_own() -> None:
    texts = [command.help for command in cli.commands.values()]
    assert all(texts)
    assert len(set(texts)) == len(texts) > 10
    assert len(list(helps())) > 120


def test_one_option_has_one_text() -> None:
    """An option that several commands share says the same in each, unless it is another option of the same name."""
    texts: dict[str, set[str]] = {}
    for place, text in helps():
        _, _, option = place.partition(" --")
        if option:
            texts.setdefault(option, set()).add(text)
    several = {option for option, words in texts.items() if len(words) > 1}
    assert several == {"allow-local", "context", "format", "from", "namespace", "output", "publish", "timeout", "width"}


def test_the_exit_codes_are_those_of_the_readme() -> None:
    rows = re.findall(r"^\| (\d) \| (.*) \|$", (ROOT / "README.md").read_text("utf-8"), re.M)
    assert [f"  {code}  {meaning}" for code, meaning in rows] == [
        line.replace("--fail-on", "`--fail-on` (default: error)" if line.startswith("  0") else "`--fail-on`")
        for line in EXITS.splitlines()[2:]
    ]


def described(schema: Any, place: str) -> Iterator[tuple[str, str]]:
    """Where, and the text, of each description in a JSON schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("description"), str):
            yield place, schema["description"]
        for key, value in schema.items():
            yield from described(value, f"{place}.{key}")
    elif isinstance(schema, list):
        for i, value in enumerate(schema):
            yield from described(value, f"{place}[{i}]")


async def descriptions(client: Client) -> dict[str, str]:
    """By place, every description that an agent reads."""
    rows: dict[str, str] = {}
    for tool in (await client.list_tools()).tools:
        rows[tool.name] = tool.description or ""
        rows |= described(tool.input_schema, f"{tool.name}.input")
        rows |= described(tool.output_schema, f"{tool.name}.output")
    for resource in (await client.list_resources()).resources:
        rows[str(resource.uri)] = resource.description or ""
    for template in (await client.list_resource_templates()).resource_templates:
        rows[template.uri_template] = template.description or ""
    for prompt in (await client.list_prompts()).prompts:
        rows[prompt.name] = prompt.description or ""
    return rows


def test_descriptions_for_agents() -> None:
    server = build(ServerSettings(writes=True, contexts=("prod-eu", "prod-us")))
    rows = drive(server, descriptions)
    assert {*READING, *WRITING, "triage_cluster", "fluxdoctor://report", "fluxdoctor://rules/{area}/{rule}"} <= set(
        rows
    )
    assert len(rows) > 150
    wrong = {
        place: errors for place, text in rows.items() if (errors := list(of_description(text, LONGEST_DESCRIPTION)))
    }
    assert wrong == {}
    assert list(of_description(server.instructions or "", LONGEST_DESCRIPTION)) == []


def test_every_argument_of_a_tool_is_described() -> None:
    async def use(client: Client) -> list[str]:
        return [
            f"{tool.name} {name}"
            for tool in (await client.list_tools()).tools
            for name, schema in tool.input_schema["properties"].items()
            if not schema.get("description")
        ]

    assert drive(build(ServerSettings(writes=True)), use) == []


def literals(file: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of each string of a module, except docstrings; what is filled in becomes ``{}``."""
    tree = ast.parse(file.read_text("utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    docs = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner | docs:
            yield node.lineno, node.value


@pytest.mark.parametrize("package", PACKAGES)
def test_no_text_of_the_program_has_a_banned_word(package: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {why}: {text}"
        for file in sorted((ROOT / "fluxdoctor" / package).rglob("*.py"))
        for line, text in literals(file)
        if not text.startswith(QUOTED)
        for why in banned(text, STOP, PROGRAM)
    ]
    assert wrong == []


def errors(file: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of each error of a module: the first string of what is raised or ends the program."""
    tree = ast.parse(file.read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in calls:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "stop" or name.endswith("Error"):
            for argument in node.args:
                if isinstance(argument, ast.JoinedStr):
                    parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in argument.values]
                    yield node.lineno, "".join(map(str, parts))
                elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield node.lineno, argument.value


def wrong_error(text: str) -> Iterator[str]:
    """An error is a clause as kubectl prints it: no capital (but of a name), no full stop unless it has sentences."""
    if re.match(r"(?:A|An|The|This|There|It|Cannot|Could|No|You)\b", text):
        yield "begins with a capital"
    if text.endswith(".") and ". " not in text and ".\n" not in text:
        yield "ends with a full stop"
    if re.search(r"\bplease\b|!$", text, re.I):
        yield "pleads or shouts"


@pytest.mark.parametrize("package", ["app", "cli", "collect", "mcp", "repository", "settings"])
def test_errors(package: str) -> None:
    files = sorted((ROOT / "fluxdoctor" / package).rglob("*.py"))
    rows = [(file, line, text) for file in files for line, text in errors(file)]
    assert rows
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {why}: {text}" for file, line, text in rows for why in wrong_error(text)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "The least severity that makes the exit code 1.",
        "The whole run ends by then, with what it has.",
        "The kubeconfig; $KUBECONFIG or ~/.kube/config else.",
        "Keep nothing in the cache folder, and use nothing of it.",
        "Also write the report in this format to this file; may be given more than once.",
        "Use no settings file, and heed no ignore that files or objects bear.",
        "Neither show nor fail for the findings that this file holds.",
        "Write what is found into this file, as known from now on.",
        "Draw who needs whom, root causes marked.",
        "Keep what diagnose sees, redacted, to replay it.",
        "Begin a rule of your own, tested from the start.",
        "Of http: the address to listen on.",
        "About how long an answer is, where a client does not say.",
        "It mends nothing that diagnose names: call it after the fix was merged.",
        "Have Flux apply now what git or the chart says; wait, and tell how it went.",
        "What runs goes on running.",
        "why, for whoever finds it suspended",
        "The result",
        "a result.",
        "One " + "word " * 30 + "too long.",
        "",
    ],
)
def test_a_bad_description_is_found(text: str) -> None:
    assert list(of_description(text, LONGEST_HELP)) != []


@pytest.mark.parametrize(
    "text",
    [
        "--write-baseline is for all that is found: not with KIND/NAME",
        "--from replays a snapshot; --context would be for a cluster",
        "nothing is kept for the next run: /cache: denied (--no-cache asks for none)",
        "the builds took longer than this call may",
        "there is one cluster here: leave context out",
        "namespace of Kustomization apps: it is in apps; say which",
        "'x' is not an object: write KIND/NAME",
        "rule «x» is not known here; valid: y",
        "0.0.0.0 can be reached by others: give a bearer token",
    ],
)
def test_a_banned_phrase_is_found(text: str) -> None:
    assert list(banned(text, STOP, PROGRAM)) != []


@pytest.mark.parametrize("text", ["The file does not exist", "the file does not exist.", "please set a token"])
def test_a_bad_error_is_found(text: str) -> None:
    assert list(wrong_error(text)) != []

"""Generates the pages of the reference from the program itself: commands, report, rule API, the index of rules."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

import click
import yaml

import fluxdoctor
from fluxdoctor.cli.main import cli
from fluxdoctor.report import json
from fluxdoctor.report.page import shown
from fluxdoctor.rule import Rule, fallbacks, load_pack

_FRONT_MATTER = re.compile(r"\A---\n(?P<front>.*?)\n---\n", re.S)
_MAX_SIGNATURE = 100
_FENCE = re.compile(r"^```(?P<language>\w+) (?P<path>\S+)$", re.M)


def pages() -> dict[str, str]:
    """Return the generated pages by their path in the site."""
    return {
        "reference/cli.md": commands(),
        "reference/report.md": report(),
        "reference/rule-api.md": rule_api(),
        "rules/index.md": index(sorted([*load_pack("fluxdoctor_rules"), *fallbacks().values()], key=lambda r: r.id)),
    }


def rule_page(text: str, page: str) -> str:
    """Return a rule's page for the site: its front matter as a table, its examples with file names. Raises ValueError."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise ValueError(f"{page}: no front matter")
    front = yaml.safe_load(match["front"])
    rows = [
        ("Severity", front["severity"]),
        ("Speaks of", ", ".join(front.get("kinds", []))),
        ("Field", f"`{front['field']}`" if front.get("field") else ""),
        ("Speaks in", ", ".join(front.get("modes", ["live", "replay"]))),
        ("Fix", cell(shown(front["fix"], front.get("defaults", {})))),
    ]
    table = "".join(f"| {name} | {value} |\n" for name, value in rows if value)
    body = _FENCE.sub(lambda f: f'```{f["language"]} title="{f["path"]}"', text[match.end() :])
    body = body.replace("```findings", '```text title="findings"')
    rule = page.removeprefix("rules/").removesuffix(".md")
    title, _, rest = body.lstrip("\n").partition("\n")
    return f"{title}\n\n| Rule | `{rule}` |\n|---|---|\n{table}\n{rest}"


def cell(text: str) -> str:
    """Escape text for a Markdown table, so that text in angle brackets is shown unchanged."""
    escaped = text.replace("``", "`").replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
    return " ".join(escaped.split())


def index(rules: list[Rule]) -> str:
    """Return the catalogue, a table for each area."""
    out = [f"# Rules\n\n{len(rules)} rules. `fluxdoctor rules` lists them, `fluxdoctor explain RULE` shows a page.\n"]
    for area in sorted({r.area for r in rules}):
        out.append(f"\n## {area}\n\n| rule | severity | what is wrong |\n|---|---|---|\n")
        out += [f"| [{r.id}]({r.id}.md) | {r.severity} | {cell(r.summary)} |\n" for r in rules if r.area == area]
    return "".join(out)


def commands() -> str:
    """Return the help of the command line as Markdown."""
    out = ["# The command line\n\nIt is also installed as `flux-doctor`.\n"]
    context = click.Context(cli, info_name="fluxdoctor")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None  # noqa: S101 - its own list
        out += _command(command, click.Context(command, info_name=f"fluxdoctor {name}"))
    return "".join(out)


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"\n## {context.info_name}\n\n```text\n{context.info_name} {usage}\n```\n"
    yield from _paragraphs(command.help or "")
    rows = [p for p in command.params if isinstance(p, click.Option)]
    if rows:
        yield "\n| option | |\n|---|---|\n"
    for option in rows:
        names, help_text = option.get_help_record(context) or ("", "")
        yield f"| `{names}` | {cell(help_text)} |\n"
    yield from _paragraphs(command.epilog or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None  # noqa: S101 - its own list
            yield from _command(child, click.Context(child, info_name=f"{context.info_name} {name}"))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            head, _, rest = paragraph.removeprefix("\b\n").partition("\n")
            yield f"\n{cell(head)}\n" + (f"\n```text\n{inspect.cleandoc(rest)}\n```\n" if rest else "")
        elif paragraph:
            yield f"\n{cell(paragraph)}\n"


def report() -> str:
    """Return the fields of the JSON report, from its schema."""
    schema = json.schema()
    out = [
        f"# The JSON report\n\n{schema['title']}. {schema['description']}\n\nThe schema itself: [schema-1.json](schema-1.json).\n"
    ]
    out += ["\n## The report\n", *_fields(schema)]
    for name, part in schema["$defs"].items():
        out += [f"\n## {name.capitalize()}\n", *_fields(part)]
    return "".join(out)


def _fields(part: dict[str, Any]) -> Iterator[str]:
    yield "\n| key | type | always there | |\n|---|---|---|---|\n"
    for key, value in part.get("properties", {}).items():
        always = "yes" if key in part.get("required", ()) else ""
        yield f"| `{key}` | {_type(value)} | {always} | {cell(value.get('description', ''))} |\n"


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "enum" in value:
        return " or ".join(f"`{v}`" for v in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if choices := value.get("anyOf"):
        return " or ".join(_type(c) for c in choices)
    kinds = value.get("type", "object")
    if kinds == "array":
        return f"list of {_type(value['items'])}"
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def rule_api() -> str:
    """Return the API for rule packs: signatures and docstrings."""
    out = [f"# The rule API\n\n{cell(inspect.getdoc(fluxdoctor) or '')}\n"]
    out.append("\nHow a page and a check are written: [Contributing](../contributing.md).\n")
    for name in sorted(fluxdoctor.__all__, key=str.lower):
        member = getattr(fluxdoctor, name)
        out.append(f"\n## {name}\n")
        if inspect.isclass(member):
            out += _class(member)
        elif callable(member):
            out += [_signature(name, member), _doc(member)]
        elif inspect.ismodule(member):
            out += [_doc(member), *_members(f"{name}.", vars(member), member.__name__)]
        else:
            out.append(f"\n`{member!r}`\n")
    return "".join(out)


def _class(thing: type) -> Iterator[str]:
    if issubclass(thing, Enum):
        yield _doc(thing)
        yield "\n" + ", ".join(f"`{member.name}`" for member in thing) + "\n"
    elif is_dataclass(thing) or issubclass(thing, tuple):
        yield _signature(thing.__name__, thing)
        yield _doc(thing)
    else:
        yield _doc(thing)
    yield from _members(f"{thing.__name__}.", vars(thing), thing.__module__)


def _members(prefix: str, members: Any, module: str) -> Iterator[str]:
    rows = []
    for name, value in members.items():
        function = getattr(value, "__func__", value.fget if isinstance(value, property) else value)
        if (
            name.startswith("_")
            or not inspect.isfunction(function)
            or function.__module__ != module
            or not function.__doc__
        ):
            continue
        call = name if isinstance(value, property) else f"{name}{_plain(function)}"
        rows.append(f"| `{prefix}{call}` | {cell(inspect.getdoc(function) or '')} |\n")
    if rows:
        yield "\n| | |\n|---|---|\n" + "".join(rows)


def _plain(function: Any, *, max_length: int = 10_000) -> str:
    """Return a signature as in the source, with annotations without quotes and module names."""
    signature = inspect.signature(function)
    parameters = [_parameter(p) for p in signature.parameters.values() if p.name not in ("self", "cls")]
    text = ", ".join(parameters)
    if len(text) > max_length:
        text = "".join(f"\n    {parameter}," for parameter in parameters) + "\n"
    return_text = _annotation(signature.return_annotation)
    return f"({text}) -> {return_text}" if return_text not in ("", "None") else f"({text})"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
    annotation = _annotation(parameter.annotation)
    return f"{stars}{parameter.name}{f': {annotation}' if annotation else ''}{default}"


def _default(value: Any) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    return "..." if repr(value).startswith("<") else repr(value)  # a default factory


def _annotation(annotation: Any) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    text = (
        annotation
        if isinstance(annotation, str)
        else getattr(annotation, "__forward_arg__", getattr(annotation, "__name__", str(annotation)))
    )
    return re.sub(r"\b(?:[a-z_]+\.)+([A-Za-z])", r"\1", text)


def _signature(name: str, function: Any) -> str:
    return f"\n```python\n{name}{_plain(function, max_length=_MAX_SIGNATURE)}\n```\n"


def _doc(thing: Any) -> str:
    text = inspect.getdoc(thing) or ""
    return "".join(f"\n{cell(paragraph)}\n" for paragraph in text.replace("``", "`").split("\n\n"))

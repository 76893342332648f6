"""What a cluster says is data in every format: each is read back by a reader of its own, and nothing in it acts."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from markdown_it import MarkdownIt

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.cli.commands.graph import FORMATS
from fluxdoctor.cli.commands.graph import render as drawn
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.model.finding import Report
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.report import text
from fluxdoctor.report.context import Context
from fluxdoctor.report.formats import NAMES, WRITTEN, render
from fluxdoctor.report.graph import draw
from tests.helpers.worlds import rules
from tests.rules.test_properties import CANARY, with_canaries, world

#: What the controllers are made to say, one after another.
SAID = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> </style></svg><a href='javascript:alert(1)'>x</a> --> \"'",
    "]]> </failure></testcase><testcase name='x'/> &amp; <!-- <![CDATA[",
    "x\n::error file=a::b\n ::set-output name=a::b\n\t::add-mask::x\r::warning::x\n\u00a0::stop-commands::x",
    "##[set-output name=a]b ##vso[task.setvariable variable=a]b ###[error]x",
    "\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x00\x08\x7f\x9b2J\u202egnirts\u2066 \u2028\u2029 \ufeff\U000e0041 \ud800",
    "[a](http://evil.example) ![b](http://evil.example/x.png) @everyone #1 `x` ``` \n# title\n> quote\n| a | b |\n---\n- [ ] x www.evil.example",
    'up 0\n# TYPE up gauge\nup{a="b\\"} 1\n---\nkind: Secret\n- x: {y: [',
)


def read(name: str) -> tuple[Snapshot, Report]:
    """Return a recorded incident whose controllers, git host and tenants mean harm, with secrets where none should be."""
    files, objects = world(name)
    with_canaries(objects)
    said = iter(SAID * 1000)
    for item in objects["items"]:
        for condition in (item.get("status") or {}).get("conditions") or []:
            condition["message"] = f"{next(said)} {condition.get('message', '')}"
        if item["kind"] in ("Kustomization", "HelmRelease", "Alert"):
            item["metadata"]["name"] += next(said)
            item["metadata"]["namespace"] += next(said)
            item["spec"]["path"] = item["spec"]["chart"] = next(said)
    files["cluster/objects.json"] = json.dumps(objects).encode()
    snapshot = snapshot_folder.parse(files, next(said))
    return snapshot, diagnose(snapshot, rules())


@cache
def hostile() -> tuple[tuple[Snapshot, Report], ...]:
    return tuple(
        read(name) for name in ("cascade-chain-top", "cascade-git-server-down", "git-repo-404", "healthy-baseline")
    )


def written(format_: str) -> list[str]:
    """Return reports in a format: whole ones, and ones of each object that fails."""
    found = []
    for snapshot, report in hostile():
        for target in (None, *(f.ref for f in snapshot.failures.failed)):
            context = Context(snapshot, target)
            whole = text.render(report, verbose=True) if format_ == "text" else render(format_, report, context)
            found.append(whole)
    return found


DRAWN = tuple(f"graph {format_}" for format_ in FORMATS)


def outputs(format_: str) -> list[str]:
    if format_ in DRAWN:
        drawing = format_.removeprefix("graph ")
        return [drawn(draw(s, r), drawing, width=100, color=False) for s, r in hostile()]
    return written(format_)


def test_the_incidents_say_what_they_should() -> None:
    told = "".join(json.loads(o)["findings"].__repr__() for o in written("json"))
    for words in (
        "<script>alert(1)</script>",
        "]]>",
        "::error file=a::b",
        "##[set-output",
        "\\x1b[31m",
        "up 0",
        "![b]",
    ):
        assert words in told


@pytest.mark.parametrize("format_", [*NAMES, *DRAWN])
def test_nothing_acts_on_a_terminal(format_: str) -> None:
    for said in outputs(format_):
        said.encode("utf-8")  # no lone surrogate
        acting = {c for c in said if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert acting == set()


@pytest.mark.parametrize("format_", [*NAMES, *DRAWN])
def test_nothing_is_a_command_to_a_runner(format_: str) -> None:
    for (_, report), said in zip([h for h in hostile() for _ in outputs_of(h, format_)], outputs(format_), strict=True):
        commands = [line.lstrip().partition(" ")[0] for line in said.split("\n") if line.lstrip().startswith("::")]
        own = ["::error"] * sum(f.severity == "error" for f in report.findings)
        own += ["::warning"] * sum(f.severity == "warning" for f in report.findings)
        own += ["::notice"] * (
            sum(f.severity == "info" for f in report.findings) + any(s.asked for s in report.skipped)
        )
        assert commands == (own if format_ == "github" else [])
        assert "##[" not in said
        assert "##vso[" not in said


def outputs_of(one: tuple[Snapshot, Report], format_: str) -> Iterator[Ref | None]:
    yield None
    if format_ not in DRAWN:
        yield from (f.ref for f in one[0].failures.failed)


@pytest.mark.parametrize("format_", [*NAMES, *DRAWN])
def test_no_secret_gets_through(format_: str) -> None:
    assert [said for said in outputs(format_) if CANARY in said] == []


class Tags(HTMLParser):
    """Collects the elements, their attributes, and the text of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, set[str]] = {}
        self.links: list[str] = []
        self.code: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.tags.setdefault(tag, set()).update(name for name, _ in attrs)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "style")]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser calls it so
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.code:
            self.code[self._inside].append(data)


def parsed(said: str) -> Tags:
    tags = Tags()
    tags.feed(said)
    tags.close()
    return tags


OURS = "https://github.com/fluxdoctor/fluxdoctor/blob/main/"


def check_html(said: str) -> None:
    found = parsed(said)
    folder_ = snapshot_folder.__file__.replace("collect/store/snapshot_folder.py", "report/html/page.")
    for tag, kind in (("style", "css"), ("script", "js")):
        with open(folder_ + kind, encoding="utf-8") as file:  # noqa: PTH123 - the page's own two files, and no other
            assert found.code[tag] == [file.read()]
    assert [link for link in found.links if not link.startswith(("#", OURS))] == []
    known = {"src", "style", "onerror", "onload", "onclick"}
    assert {tag: names & known for tag, names in found.tags.items() if names & known} == {}
    assert set(found.tags) - ALLOWED == set()


ALLOWED = {
    "html", "head", "meta", "title", "style", "script", "body", "header", "nav", "main", "footer", "section", "article", "form", "fieldset",
    "legend", "label", "input", "select", "option", "button", "h1", "h2", "h3", "p", "div", "span", "a", "ul", "ol", "li", "dl", "dt", "dd",
    "code", "pre", "q", "cite", "details", "summary", "svg", "g", "rect", "text", "path",
}  # fmt: skip


def check_markdown(said: str) -> None:
    """What GitHub's dialect makes of it: tags are allowed, and addresses become links."""
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(said)
    found = parsed(html)
    assert set(found.tags) - {"h2", "h3", "p", "a", "ul", "ol", "li", "code", "strong", "details", "summary"} == set()
    assert [link for link in found.links if not link.startswith(OURS)] == []
    prose = re.sub(r"<code>.*?</code>|<a .*?</a>", "", html, flags=re.S)
    assert re.findall(r"@\w+|https?://\S+|(?<!&)#\d+|\bwww\.\S+", prose) == []


def check_junit(said: str) -> None:
    names = {e.tag for e in ET.fromstring(said).iter()}  # noqa: S314 - our own
    assert names <= {"testsuites", "testsuite", "testcase", "failure", "skipped", "system-out"}


def check_svg(said: str) -> None:
    names = {e.tag.rpartition("}")[2] for e in ET.fromstring(said).iter()}  # noqa: S314 - our own
    assert names <= {"svg", "title", "style", "g", "rect", "text", "path"}


def check_prometheus(said: str) -> None:
    label = r'[a-z_]+="(?:[^"\\\n]|\\\\|\\n|\\")*"'
    sample = re.compile(rf"fluxdoctor_[a-z_]+(\{{{label}(,{label})*\}})? \S+|# (HELP|TYPE) fluxdoctor_.*")
    assert [line for line in said.split("\n") if line and not sample.fullmatch(line)] == []


def check_openreports(said: str) -> None:
    assert {d["kind"] for d in yaml.safe_load_all(said)} <= {"Report", "ClusterReport"}


def check_json(said: str) -> None:
    assert said.isascii()
    assert isinstance(json.loads(said), dict | list)


CHECKS: dict[str, Callable[[str], Any]] = {
    "html": check_html, "markdown": check_markdown, "junit": check_junit, "prometheus": check_prometheus, "openreports": check_openreports,
    "json": check_json, "sarif": check_json, "gitlab": check_json, "graph svg": check_svg,
}  # fmt: skip


@pytest.mark.parametrize("format_", sorted(CHECKS))
def test_a_reader_of_the_format_sees_text_and_nothing_else(format_: str) -> None:
    for said in outputs(format_):
        CHECKS[format_](said)


def test_every_format_is_checked() -> None:
    assert set(WRITTEN) - set(CHECKS) == {"github"}  # whose lines are all that there is to it

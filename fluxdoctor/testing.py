"""Run the examples of rule pages as tests, for any rule pack.

In a pack's test file::

    @pytest.mark.parametrize("example", examples("acme_flux_rules"), ids=str)
    def test_example(example: Example) -> None:
        assert example.actual() == example.expected

``fluxdoctor new-rule`` writes such a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

from fluxdoctor.app.diagnose import RuleOptions, diagnose
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.model.finding import Report, Severity
from fluxdoctor.model.flux import BUILT_IN, KINDS
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Catalogue, RuleError, installed, pages

#: The time of an example, unless it has its own snapshot.yaml.
NOW = "2026-01-01T12:00:00Z"
_SECTION = re.compile(r"^## (Broken|Fixed|Silent): (.+)$", re.M)
_FENCE = re.compile(r"^(`{3,}+)([^\n]*+)\n(.*?)(?:^\1[ \t]*$|\Z)", re.M | re.S)
_NEXT = re.compile(r"^## ", re.M)


@dataclass(frozen=True)
class Example:
    """One section of a page: the files of a snapshot folder, and the expected findings."""

    rule: str
    verdict: str
    title: str
    files: Mapping[str, str] = field(repr=False, default_factory=dict)
    expected: str = field(repr=False, default="")

    def __str__(self) -> str:
        return f"{self.rule}: {self.verdict}: {self.title}"

    def report(self, catalogue: Catalogue | None = None, *, only: Sequence[str] = ()) -> Report:
        """Return the report on the example by all installed rules. ``only``: globs of the rules whose findings count."""
        return diagnose(world(self), catalogue or _installed(), RuleOptions(only))

    def actual(self, *, only: Sequence[str] = ()) -> str:
        """Return a line for each finding, in the order of the report.

        Findings of severity info are only included if the page expects one. Those of the page's own rule are also included
        if they would show that the fault still exists: in a Fixed section, and if the rule itself has severity info.
        """
        expects_info = self.expected.startswith("info ") or "\ninfo " in self.expected
        rule = _installed().get(self.rule)
        includes_own = self.verdict == "Fixed" or (rule is not None and rule.severity is Severity.INFO)
        findings = [
            f
            for f in self.report(only=only).findings
            if expects_info or f.severity is not Severity.INFO or (includes_own and f.rule == self.rule)
        ]
        return "".join(f"{f.severity} {f.subject}: {f.message}\n" for f in findings)


def world(example: Example) -> Snapshot:
    """Return the snapshot of an example."""
    files = {name: text.encode() for name, text in example.files.items()}
    files.setdefault("snapshot.yaml", _about(example.files))
    return snapshot_folder.parse(files, example.rule)


_catalogue: list[Catalogue] = []


def _installed() -> Catalogue:
    if not _catalogue:
        _catalogue.append(installed())
    return _catalogue[0]


def _about(files: Mapping[str, str]) -> bytes:
    """Return the default snapshot.yaml of an example: all objects were read, in all namespaces."""
    kinds = {*KINDS, *BUILT_IN} - {"Event", "CustomResourceDefinition"}
    text = "".join(files.values())
    if "CustomResourceDefinition" in text:
        kinds.add("CustomResourceDefinition")
    listed = "".join(f"- {{kind: {kind}, namespaces: all}}\n" for kind in sorted(kinds))
    return f"format: 1\ntaken: '{NOW}'\nlisted:\n{listed}".encode()


def parse_examples(page: str, rule: str) -> Iterator[Example]:
    """Yield the examples of a page. Raises RuleError if a section or a fence is invalid.

    A section inherits the files of the page's first section, so it only contains those that differ.
    """
    world: dict[str, str] = {}
    for head in _SECTION.finditer(page):
        following = _NEXT.search(page, head.end())
        text = page[head.end() : following.start() if following else len(page)]
        files = dict(world)
        expected = ""
        for fence in _FENCE.finditer(text):
            info = fence[2].split()
            if info == ["findings"]:
                expected = fence[3]
            elif len(info) == 2:  # noqa: PLR2004 - a language and a file name
                files[info[1]] = fence[3]
            else:
                raise RuleError(
                    f"{rule}: section {head[2]!r}: a fence must be `findings`, or a language and a file path"
                )
        if head[1] == "Broken" and not expected:
            raise RuleError(f"{rule}: section {head[2]!r}: a Broken section must have a findings block")
        if head[1] != "Broken" and expected:
            raise RuleError(f"{rule}: section {head[2]!r}: a {head[1]} section must not have a findings block")
        world = world or files
        yield Example(rule, head[1], head[2], files, expected)


def examples(package: str) -> list[Example]:
    """Return every example of every page of a package."""
    root = resources.files(package)
    return [e for rule, page in pages(root) for e in parse_examples(page.read_text("utf-8"), rule)]

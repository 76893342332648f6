"""Rule pages as tests, for any rule pack.

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

#: The moment at which an example is set, unless it has its own snapshot.yaml.
NOW = "2026-01-01T12:00:00Z"
_SECTION = re.compile(r"^## (Broken|Fixed|Silent): (.+)$", re.M)
_FENCE = re.compile(r"^(`{3,})([^\n]*)\n(.*?)^\1\s*$", re.M | re.S)
_NEXT = re.compile(r"^## ", re.M)


@dataclass(frozen=True)
class Example:
    """One section of a page: a world as files of a snapshot folder, and the findings expected of it."""

    rule: str
    verdict: str
    title: str
    files: Mapping[str, str] = field(repr=False, default_factory=dict)
    expected: str = field(repr=False, default="")

    def __str__(self) -> str:
        return f"{self.rule}: {self.verdict}: {self.title}"

    def report(self, catalogue: Catalogue | None = None, *, only: Sequence[str] = ()) -> Report:
        """Diagnose the example's world with all installed rules; ``only``: globs over the rules whose findings count."""
        return diagnose(world(self), catalogue or _installed(), RuleOptions(only))

    def actual(self, *, only: Sequence[str] = ()) -> str:
        """Return a line for each finding, most important first.

        Notes of severity info only where the page expects one, and those of the page's own rule where they would show that
        the fault is still there: after a repair, and wherever the rule has nothing else to say than notes.
        """
        notes = self.expected.startswith("info ") or "\ninfo " in self.expected
        rule = _installed().get(self.rule)
        own = self.verdict == "Fixed" or (rule is not None and rule.severity is Severity.INFO)
        found = [
            f
            for f in self.report(only=only).findings
            if notes or f.severity is not Severity.INFO or (own and f.rule == self.rule)
        ]
        return "".join(f"{f.severity} {f.subject}: {f.message}\n" for f in found)


def world(example: Example) -> Snapshot:
    """Return the snapshot that an example describes."""
    files = {name: text.encode() for name, text in example.files.items()}
    files.setdefault("snapshot.yaml", _about(example.files))
    return snapshot_folder.parse(files, example.rule)


_catalogue: list[Catalogue] = []


def _installed() -> Catalogue:
    if not _catalogue:
        _catalogue.append(installed())
    return _catalogue[0]


def _about(files: Mapping[str, str]) -> bytes:
    """An example is a world in full sight, unless it brings a snapshot.yaml of its own."""
    kinds = {*KINDS, *BUILT_IN} - {"Event", "CustomResourceDefinition"}
    text = "".join(files.values())
    if "CustomResourceDefinition" in text:
        kinds.add("CustomResourceDefinition")
    listed = "".join(f"- {{kind: {kind}, namespaces: all}}\n" for kind in sorted(kinds))
    return f"format: 1\ntaken: '{NOW}'\nlisted:\n{listed}".encode()


def parse_examples(page: str, rule: str) -> Iterator[Example]:
    """Yield the examples of a page. Raises RuleError where a section or a fence is not as it must be.

    A section begins with the files of the page's first one, so that it need only show what differs.
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
                raise RuleError(f"{rule}: section {head[2]!r}: a fence is `findings`, or a language and a file's path")
        if head[1] == "Broken" and not expected:
            raise RuleError(f"{rule}: section {head[2]!r} is Broken and has no findings block")
        if head[1] != "Broken" and expected:
            raise RuleError(f"{rule}: section {head[2]!r} is {head[1]} and so must have no findings block")
        world = world or files
        yield Example(rule, head[1], head[2], files, expected)


def examples(package: str) -> list[Example]:
    """Return every example of every page of a package."""
    root = resources.files(package)
    return [e for rule, page in pages(root) for e in parse_examples(page.read_text("utf-8"), rule)]

"""The plug-in contract: a Rule, and how a page and a check become one.

A rule is a Markdown page, ``<area>/<rule>.md`` in a package named under the entry-point group ``fluxdoctor.rules``. Where
facts can prove more than a message does, ``<rule>.py`` (dashes as underscores) beside it has a generator ``check`` whose
signature names the facts it needs.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from types import UnionType
from typing import Any, get_args, get_type_hints

import yaml

from fluxdoctor.model.commands import commands
from fluxdoctor.model.finding import Fact, Problem, Severity, Skipped, Unknown
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import FACTS

#: The page of a rule whose problems are about objects that are being deleted says ``speaks_of: [terminating]``.
TERMINATING = "terminating"
GROUP = "fluxdoctor.rules"
URL = "https://github.com/fluxdoctor/fluxdoctor/blob/main/"
#: The pack that comes with fluxdoctor.
OWN = "fluxdoctor"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FRONT = re.compile(r"\A---\n(?P<front>.*?)\n---\n(?P<text>.*)\Z", re.S)
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

Check = Callable[..., Iterable[Problem | Unknown]]


@dataclass(frozen=True, slots=True)
class Need:
    """A parameter of a check: the fact it asks for; an optional one (``Manifests | None``) is None where not collected."""

    name: str
    fact: type
    optional: bool = False


class RuleError(Exception):
    """A page, a check or a pack that breaks the contract; the text names the file and what to do."""


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong, how it is recognised, and its page.

    ``reads``: patterns that recognise a controller's message on one of ``kinds``. Named groups fill ``message``, ``fix``,
    ``shared``, ``because`` and ``missing``; ``defaults`` fill what a message does not say. The lowest ``rank`` wins a message.
    ``role`` is ``root``, or ``symptom`` where the failure comes from the objects that ``because`` names.
    ``supersedes``: rules whose finding on the same object this one explains.
    ``speaks_of``: ``terminating`` for a rule about objects that are being deleted; problems of others about those are dropped.
    ``answers``: how a probe of the subject answers where it proves what the controller says; None: probes are no matter.
    """

    id: str
    severity: Severity
    summary: str
    message: str
    fix: str
    page: str = dataclasses.field(repr=False, default="")
    faults: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    rank: int = 5
    role: str = "root"
    supersedes: tuple[str, ...] = ()
    field: str = ""
    shared: str = ""
    because: tuple[str, ...] = ()
    missing: str = ""
    answers: frozenset[Answer] | None = None
    defaults: Mapping[str, str] = dataclasses.field(default_factory=dict)
    modes: tuple[str, ...] = ("live", "replay")
    speaks_of: frozenset[str] = frozenset()
    check: Check | None = dataclasses.field(default=None, repr=False)
    needs: tuple[Need, ...] = ()
    pack: str = OWN
    version: str = ""

    @property
    def area(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """What recognises a message; compiled when there is one to read: hundreds take longer than all else at a start."""
        return _compiled(self.reads, self.id)

    @property
    def url(self) -> str:
        """Where the page can be read."""
        folder = "fluxdoctor/fallbacks" if self.role == "fallback" else "rules/fluxdoctor_rules"
        return f"{URL}{folder}/{self.id}.md" if self.pack == OWN else ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule and one problem that it found."""

    rule: Rule
    problem: Problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules said, before it is folded to causes."""

    hits: tuple[Hit, ...]
    skipped: tuple[Skipped, ...]


def fill(template: str, facts: Mapping[str, Fact]) -> str:
    """Fill a template with facts; lists are joined with commas. Raises KeyError for a fact that is not there."""
    texts = {
        k: ", ".join(map(str, v)) if isinstance(v, tuple) and not isinstance(v, Ref) else v for k, v in facts.items()
    }
    return template.format_map(texts)


def fill_for(problem: Problem, template: str) -> str:
    """Fill a template of a problem's rule with its facts.

    Always known: ``subject``, its ``kind``, ``namespace`` and ``name``; of a Flux object ``reconcile``, ``suspend`` and
    ``resume``, the full commands. Raises KeyError for a fact that is not there.
    """
    subject = problem.subject
    return fill(template, {**commands(subject), "subject": subject, **subject._asdict(), **problem.facts})


_KNOWN: dict[str, type | tuple[type, ...]] = {
    "severity": str, "summary": str, "message": str, "fix": str, "faults": list, "kinds": list, "reason": (str, list),
    "pattern": (str, list), "rank": int, "role": str, "supersedes": list, "field": str, "shared": str, "because": list,
    "missing": str, "modes": list, "defaults": dict, "answers": list, "speaks_of": list,
}  # fmt: skip
_REQUIRED = ("severity", "summary", "message", "fix")


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(str(v) for v in (value if isinstance(value, list) else [value]) if v is not None)


def _front(text: str, where: str) -> tuple[dict[str, Any], str]:
    found = _FRONT.match(text)
    if not found:
        raise RuleError(f"{where}:1: a page begins with front matter between two lines of ---")
    try:
        front = yaml.load(found["front"], Loader=_LOADER)  # noqa: S506 - a safe loader, libyaml's where it is there
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise RuleError(f"{where}:{line}: front matter is not YAML: {error.problem}") from None
    if not isinstance(front, dict):
        raise RuleError(f"{where}:2: front matter is not a mapping")
    for key, value in front.items():
        if key not in _KNOWN:
            raise RuleError(f"{where}: unknown key {key!r} in the front matter; known: {', '.join(_KNOWN)}")
        if not isinstance(value, _KNOWN[key]):
            raise RuleError(f"{where}: {key} is a {type(value).__name__}")
    for key in _REQUIRED:
        if not front.get(key):
            raise RuleError(f"{where}: the front matter lacks {key}")
    return front, found["text"]


def _compiled(patterns: Iterable[str], where: str) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(p, re.S) for p in patterns)
    except re.error as error:
        raise RuleError(f"{where}: pattern {error.pattern!r}: {error}") from None


def _answers(front: Mapping[str, Any], where: str) -> frozenset[Answer] | None:
    if "answers" not in front:
        return None
    try:
        return frozenset(Answer(said) for said in _strings(front["answers"]))
    except ValueError as error:
        raise RuleError(f"{where}: answers: {error}; known: {', '.join(Answer)}") from None


def _speaks_of(front: Mapping[str, Any], where: str) -> frozenset[str]:
    states = frozenset(_strings(front.get("speaks_of", [])))
    if unknown := states - {TERMINATING}:
        raise RuleError(f"{where}: speaks_of: {', '.join(sorted(unknown))} is not known; known: {TERMINATING}")
    return states


def needs_of(check: Check, where: str) -> tuple[Need, ...]:
    """Return the facts that a check's signature names. Raises RuleError for a parameter that is no fact."""
    try:
        hints = get_type_hints(check)
    except NameError as error:
        raise RuleError(f"{where}: check: {error}; facts are imported by name, not under TYPE_CHECKING") from None
    return tuple(_need(name, hints.get(name), where) for name in inspect.signature(check).parameters)


def _need(name: str, hint: Any, where: str) -> Need:
    choices = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    facts = [t for t in choices if t in FACTS]
    if len(facts) != 1 or set(choices) - {facts[0], type(None)}:
        known = ", ".join(sorted(t.__name__ for t in FACTS))
        raise RuleError(f"{where}: check({name}) is not annotated with a fact; facts: {known}")
    return Need(name, facts[0], type(None) in choices)


def parse_page(text: str, rule_id: str, where: str, check: Check | None = None, pack: str = OWN) -> Rule:
    """Make a Rule of a page and its check. Raises RuleError, which names the file."""
    front, page = _front(text, where)
    if not all(_ID.fullmatch(part) for part in rule_id.split("/")) or rule_id.count("/") != 1:
        raise RuleError(f"{where}: {rule_id!r} is no rule id: <area>/<rule>, lower case words with dashes")
    try:
        severity = Severity(front["severity"])
    except ValueError:
        raise RuleError(f"{where}: severity {front['severity']!r} is none of error, warning, info") from None
    role = front.get("role", "root")
    if role not in ("root", "symptom", "fallback"):
        raise RuleError(f"{where}: role {role!r} is none of root, symptom")
    reads = _strings(front.get("pattern"))
    if pack != OWN:  # what comes from elsewhere is told at once; our own have been tested
        _compiled(reads, where)
    return Rule(
        id=rule_id,
        severity=severity,
        summary=front["summary"],
        message=front["message"],
        fix=front["fix"],
        page=page,
        faults=_strings(front.get("faults", [])),
        kinds=_strings(front.get("kinds", [])),
        reasons=_strings(front.get("reason", [])),
        reads=reads,
        rank=front.get("rank", 5),
        role=role,
        supersedes=_strings(front.get("supersedes", [])),
        field=front.get("field", ""),
        shared=front.get("shared", ""),
        because=_strings(front.get("because", [])),
        missing=front.get("missing", ""),
        answers=_answers(front, where),
        defaults={str(k): str(v) for k, v in front.get("defaults", {}).items()},
        modes=_strings(front.get("modes", ["live", "replay"])),
        speaks_of=_speaks_of(front, where),
        check=check,
        needs=needs_of(check, where) if check else (),
        pack=pack,
        version=_version(pack),
    )


@lru_cache
def _version(pack: str) -> str:
    try:
        return metadata.version(pack)
    except metadata.PackageNotFoundError:
        return ""


def pages(root: Traversable) -> Iterator[tuple[str, Traversable]]:
    """Yield (id, page) of every page below a folder, sorted."""
    areas = sorted(
        (d for d in root.iterdir() if d.is_dir() and not d.name.startswith(("_", "."))), key=lambda d: d.name
    )
    for area in areas:
        for page in sorted((f for f in area.iterdir() if f.name.endswith(".md")), key=lambda f: f.name):
            yield f"{area.name}/{page.name.removesuffix('.md')}", page


def load_pack(package: str, pack: str = OWN) -> list[Rule]:
    """Load every rule of an importable package. Raises RuleError, or whatever the import of a check raises."""
    root = resources.files(package)
    found = []
    for rule_id, page in pages(root):
        area, _, name = rule_id.partition("/")
        stem = name.replace("-", "_")
        check = None
        if root.joinpath(area, f"{stem}.py").is_file():
            check = getattr(importlib.import_module(f"{package}.{area}.{stem}"), "check", None)
            if check is None:
                raise RuleError(f"{package}/{area}/{stem}.py has no function named check")
        found.append(parse_page(page.read_text("utf-8"), rule_id, f"{package}/{rule_id}.md", check, pack))
    return found


def fallbacks() -> dict[str, Rule]:
    """Return the engine's own rules, by id: what is said of an object where no rule knows better."""
    root = resources.files("fluxdoctor").joinpath("fallbacks")
    return {i: parse_page(p.read_text("utf-8"), i, f"fluxdoctor/fallbacks/{i}.md") for i, p in pages(root)}


@dataclass(frozen=True)
class Catalogue:
    """The rules at hand, sorted by id, and the packs that could not be loaded."""

    rules: tuple[Rule, ...]
    skipped: tuple[Skipped, ...] = ()

    def get(self, rule_id: str) -> Rule | None:
        """Return one rule, or None."""
        return next((r for r in self.rules if r.id == rule_id), None)


def installed() -> Catalogue:
    """Load the rules of every installed pack. Raises RuleError where two packs offer one id."""
    found: dict[str, Rule] = dict(fallbacks())
    skipped: list[Skipped] = []
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        pack = entry.dist.name if entry.dist else entry.name
        try:
            rules = load_pack(entry.value, pack)
        except Exception as error:  # noqa: BLE001 - a broken pack must not end the run, whatever it raises
            why = f"pack {pack} ({entry.value}) could not be loaded: {type(error).__name__}: {error}"
            skipped.append(Skipped("", None, why))
            continue
        for rule in rules:
            if other := found.get(rule.id):
                raise RuleError(f"rule {rule.id} is offered by two packs: {other.pack} and {rule.pack}")
            found[rule.id] = rule
    return Catalogue(tuple(found[i] for i in sorted(found)), tuple(skipped))

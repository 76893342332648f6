"""The plug-in contract: a Rule, and how it is made of a page and a check.

A rule is a Markdown page, ``<area>/<rule>.md`` in a package that the entry-point group ``fluxdoctor.rules`` names. If facts
can prove more than a message does, ``<rule>.py`` beside it (with underscores for dashes) has a generator ``check``, whose
parameters are the facts that it needs.
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

#: A page has ``speaks_of: [terminating]`` if its problems are about objects that are being deleted.
TERMINATING = "terminating"
GROUP = "fluxdoctor.rules"
#: The value of the entry point of the rules that come with fluxdoctor.
CORE = "fluxdoctor_rules"
URL = "https://github.com/fluxdoctor/fluxdoctor/blob/main/"
#: The rule pack of fluxdoctor itself.
OWN = "fluxdoctor"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FRONT = re.compile(r"\A---\n(?P<front>.*?)\n---\n(?P<text>.*)\Z", re.S)
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

Check = Callable[..., Iterable[Problem | Unknown]]


@dataclass(frozen=True, slots=True)
class Need:
    """A parameter of a check: its name and its fact. An optional one (``Manifests | None``) is None if it was not collected."""

    name: str
    fact: type
    optional: bool = False


class RuleError(Exception):
    """A page, a check or a pack is invalid. The text names the file and what to change."""


@dataclass(frozen=True)
class Rule:
    """A kind of problem, how it is recognised, and its page.

    ``reads``: patterns for the messages of controllers about one of ``kinds``. Named groups fill ``message``, ``fix``,
    ``shared``, ``because`` and ``missing``; ``defaults`` fill facts that a message does not contain. If several rules match a
    message, the one with the lowest ``rank`` gets it. ``unless``: a message that it matches is not of this rule.
    ``role``: ``root``; ``symptom`` if the failure comes from the objects that ``because`` names; or ``fallback``, of
    fluxdoctor's own pack only, for objects that no rule covers.
    ``supersedes``: rules whose findings about the same object this rule explains.
    ``speaks_of``: ``terminating`` if the rule is about objects that are being deleted; other rules' problems with those are
    dropped.
    ``answers``: the answers to a probe of the subject that prove the controller's message; None if probes are not relevant.
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
    unless: str = ""
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
        """Return the part of the id before the slash."""
        return self.id.partition("/")[0]

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """The compiled ``reads``. Compiled when needed, because a healthy fleet needs none."""
        return _compiled(self.reads, self.id)

    @cached_property
    def exception(self) -> re.Pattern[str] | None:
        """The compiled ``unless``, None if there is none."""
        return _compiled((self.unless,), self.id)[0] if self.unless else None

    @property
    def url(self) -> str:
        """Return the address of the page, "" for a rule of another pack."""
        folder = "fluxdoctor/fallbacks" if self.role == "fallback" else "rules/fluxdoctor_rules"
        return f"{URL}{folder}/{self.id}.md" if self.pack == OWN else ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule and one problem that it reports."""

    rule: Rule
    problem: Problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """The hits of the rules before they are folded to causes, and what could not be judged."""

    hits: tuple[Hit, ...]
    skipped: tuple[Skipped, ...]


def fill(template: str, facts: Mapping[str, Fact]) -> str:
    """Fill a template with facts; lists are joined with commas. Raises KeyError if a fact is missing."""
    texts = {
        k: ", ".join(map(str, v)) if isinstance(v, tuple) and not isinstance(v, Ref) else v for k, v in facts.items()
    }
    return template.format_map(texts)


def fill_for(problem: Problem, template: str) -> str:
    """Fill a template of a problem's rule with its facts.

    Always available are ``subject``, its ``kind``, ``namespace`` and ``name``, and for a Flux object the full commands
    ``reconcile``, ``suspend`` and ``resume``. Raises KeyError if a fact is missing.
    """
    subject = problem.subject
    return fill(template, {**commands(subject), "subject": subject, **subject._asdict(), **problem.facts})


#: The keys of the front matter and the types of their values.
_KEYS: dict[str, type | tuple[type, ...]] = {
    "severity": str, "summary": str, "message": str, "fix": str, "faults": list, "kinds": list, "reason": (str, list),
    "pattern": (str, list), "unless": str, "rank": int, "role": str, "supersedes": list, "field": str, "shared": str,
    "because": list, "missing": str, "modes": list, "defaults": dict, "answers": list, "speaks_of": list,
}  # fmt: skip
_REQUIRED = ("severity", "summary", "message", "fix")


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(str(v) for v in (value if isinstance(value, list) else [value]) if v is not None)


def _front_matter(text: str, file: str) -> tuple[dict[str, Any], str]:
    """Return the front matter of a page and its text. Raises RuleError."""
    match = _FRONT.match(text)
    if not match:
        raise RuleError(f"{file}:1: a page must begin with front matter between two lines of ---")
    try:
        front = yaml.load(match["front"], Loader=_LOADER)  # noqa: S506 - a safe loader, libyaml's if it is installed  # nosec B506
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise RuleError(f"{file}:{line}: front matter is not YAML: {error.problem}") from None
    if not isinstance(front, dict):
        raise RuleError(f"{file}:2: front matter is not a mapping")
    for key, value in front.items():
        if key not in _KEYS:
            raise RuleError(f"{file}: unknown key {key!r} in the front matter; known: {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise RuleError(f"{file}: {key} must be {_type_names(_KEYS[key])}, not {type(value).__name__}")
    for key in _REQUIRED:
        if not front.get(key):
            raise RuleError(f"{file}: the front matter has no {key}")
    return front, match["text"]


def _type_names(types: type | tuple[type, ...]) -> str:
    return " or ".join(t.__name__ for t in (types if isinstance(types, tuple) else (types,)))


def _compiled(patterns: Iterable[str], file: str) -> tuple[re.Pattern[str], ...]:
    """Compile the patterns of a page with RE2: linear in the length of any message, also for the pages of other packs."""
    import re2  # a run over a healthy fleet reads no message

    options = re2.Options()
    options.dot_nl, options.log_errors = True, False
    compiled = []
    for pattern in patterns:
        try:
            compiled.append(re2.compile(pattern, options))
        except re2.error as error:
            why = error.args[0].decode("utf-8", "replace")
            raise RuleError(f"{file}: pattern {pattern!r} is not a regular expression of RE2: {why}") from None
    return tuple(compiled)


def _answers(front: Mapping[str, Any], file: str) -> frozenset[Answer] | None:
    if "answers" not in front:
        return None
    try:
        return frozenset(Answer(name) for name in _strings(front["answers"]))
    except ValueError as error:
        raise RuleError(f"{file}: answers: {error}; known: {', '.join(Answer)}") from None


def _role(front: Mapping[str, Any], file: str, pack: str) -> str:
    role = front.get("role", "root")
    allowed = ("root", "symptom", "fallback") if pack == OWN else ("root", "symptom")
    if role not in allowed:
        raise RuleError(f"{file}: role must be root or symptom, not {role!r}")
    return str(role)


def _speaks_of(front: Mapping[str, Any], file: str) -> frozenset[str]:
    states = frozenset(_strings(front.get("speaks_of", [])))
    if unknown := states - {TERMINATING}:
        raise RuleError(f"{file}: speaks_of: unknown state {', '.join(sorted(unknown))}; known: {TERMINATING}")
    return states


def needs_of(check: Check, file: str) -> tuple[Need, ...]:
    """Return the facts that are the parameters of a check. Raises RuleError for a parameter that is not a fact."""
    try:
        hints = get_type_hints(check)
    except NameError as error:
        raise RuleError(f"{file}: check: {error}; import facts by name, not under TYPE_CHECKING") from None
    return tuple(_need(name, hints.get(name), file) for name in inspect.signature(check).parameters)


def _need(name: str, hint: Any, file: str) -> Need:
    choices = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    facts = [t for t in choices if t in FACTS]
    if len(facts) != 1 or set(choices) - {facts[0], type(None)}:
        names = ", ".join(sorted(t.__name__ for t in FACTS))
        raise RuleError(f"{file}: check({name}) is not annotated with a fact; facts: {names}")
    return Need(name, facts[0], type(None) in choices)


def parse_page(text: str, rule_id: str, file: str, check: Check | None = None, pack: str = OWN) -> Rule:
    """Return the Rule of a page and its check. Raises RuleError, which names the file."""
    front, page = _front_matter(text, file)
    if not all(_ID.fullmatch(part) for part in rule_id.split("/")) or rule_id.count("/") != 1:
        raise RuleError(f"{file}: {rule_id!r} is not a rule id: write <area>/<rule>, in lower case with dashes")
    try:
        severity = Severity(front["severity"])
    except ValueError:
        raise RuleError(f"{file}: severity must be error, warning or info, not {front['severity']!r}") from None
    reads = _strings(front.get("pattern"))
    if pack != OWN:  # report an invalid pattern of another pack at once; our own patterns are tested
        _compiled((*reads, front.get("unless", "")), file)
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
        unless=front.get("unless", ""),
        rank=front.get("rank", 5),
        role=_role(front, file, pack),
        supersedes=_strings(front.get("supersedes", [])),
        field=front.get("field", ""),
        shared=front.get("shared", ""),
        because=_strings(front.get("because", [])),
        missing=front.get("missing", ""),
        answers=_answers(front, file),
        defaults={str(k): str(v) for k, v in front.get("defaults", {}).items()},
        modes=_strings(front.get("modes", ["live", "replay"])),
        speaks_of=_speaks_of(front, file),
        check=check,
        needs=needs_of(check, file) if check else (),
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
    """Yield (id, page) for every page below a folder, sorted."""
    areas = sorted(
        (d for d in root.iterdir() if d.is_dir() and not d.name.startswith(("_", "."))), key=lambda d: d.name
    )
    for area in areas:
        for page in sorted((f for f in area.iterdir() if f.name.endswith(".md")), key=lambda f: f.name):
            yield f"{area.name}/{page.name.removesuffix('.md')}", page


def load_pack(package: str, pack: str = OWN) -> list[Rule]:
    """Return every rule of an importable package. Raises RuleError, or any exception that the import of a check raises."""
    root = resources.files(package)
    rules = []
    for rule_id, page in pages(root):
        area, _, name = rule_id.partition("/")
        stem = name.replace("-", "_")
        check = None
        if root.joinpath(area, f"{stem}.py").is_file():
            check = getattr(importlib.import_module(f"{package}.{area}.{stem}"), "check", None)
            if check is None:
                raise RuleError(f"{package}/{area}/{stem}.py has no function named check")
        rules.append(parse_page(page.read_text("utf-8"), rule_id, f"{package}/{rule_id}.md", check, pack))
    return rules


def fallbacks() -> dict[str, Rule]:
    """Return the engine's own rules by id, for objects that no other rule covers."""
    root = resources.files("fluxdoctor").joinpath("fallbacks")
    return {i: parse_page(p.read_text("utf-8"), i, f"fluxdoctor/fallbacks/{i}.md") for i, p in pages(root)}


@dataclass(frozen=True)
class Catalogue:
    """The installed rules, sorted by id, and the packs that could not be loaded."""

    rules: tuple[Rule, ...]
    skipped: tuple[Skipped, ...] = ()

    def get(self, rule_id: str) -> Rule | None:
        """Return one rule, or None."""
        return next((r for r in self.rules if r.id == rule_id), None)


def installed() -> Catalogue:
    """Return the rules of every installed pack; a pack that cannot be loaded is skipped.

    Raises RuleError if two packs have a rule with the same id, or if the rules of fluxdoctor itself cannot be loaded.
    """
    by_id: dict[str, Rule] = dict(fallbacks())
    skipped: list[Skipped] = []
    entries = metadata.entry_points(group=GROUP)
    if not any(entry.value == CORE for entry in entries):
        raise RuleError(f"the pack {CORE} is not installed; install fluxdoctor again")
    for entry in sorted(entries, key=lambda e: (e.name, e.value)):
        pack = entry.dist.name if entry.dist else entry.name
        try:
            rules = load_pack(entry.value, pack)
        except Exception as error:
            why = f"pack {pack} ({entry.value}) could not be loaded: {type(error).__name__}: {error}"
            skipped.append(Skipped("", None, why))
            if entry.value == CORE:
                raise RuleError(f"{why}; install fluxdoctor again") from error
            continue
        for rule in rules:
            if other := by_id.get(rule.id):
                raise RuleError(f"rule {rule.id} exists in two packs: {other.pack} and {rule.pack}")
            by_id[rule.id] = rule
    return Catalogue(tuple(by_id[rule_id] for rule_id in sorted(by_id)), tuple(skipped))

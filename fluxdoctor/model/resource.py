"""Kubernetes objects as facts: their identity, readers that never raise, and the location of each field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from fluxdoctor.model.memo import Memo
from fluxdoctor.model.times import moment

#: A field's path: dotted (``spec.sourceRef.name``, ``spec.patches.0.target``), or a tuple if a key contains a dot.
FieldPath = str | tuple[str | int, ...]

#: The position (line, column), 1-based, of each field that was read from YAML, by its path.
Marks = Mapping[tuple[str | int, ...], tuple[int, int]]


class Ref(NamedTuple):
    """The identity of an object: kind, namespace ("" if cluster-scoped) and name.

    A named tuple, because it is hashed and compared more often than anything else: the fold of a fleet takes a third of the
    time that it takes with a dataclass.

    A kind of another API group with the name of a Flux or built-in kind is written as kubectl does,
    ``Provider.pkg.crossplane.io``, so that two objects never have the same Ref.
    """

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def named(self) -> str:
        """Return ``namespace/name``, or only the name if cluster-scoped."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """The location of a field in a file. Line and column are 1-based, 0 if only the file is known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


#: The number of paths whose parts are cached.
_PATHS = 4096


@lru_cache(_PATHS)
def _parts(path: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdecimal() else part for part in path.split(".") if part)


class _Names(dict[str, tuple[str, ...] | None]):
    """The parts of each path through mappings only, None for any other; a lookup takes half the time of a cached call."""

    def __missing__(self, path: str) -> tuple[str, ...] | None:
        if len(self) >= _PATHS:  # paths may contain names of objects, so there is no limit to their number
            self.clear()
        parts = _parts(path)
        names = None if any(isinstance(part, int) for part in parts) else tuple(map(str, parts))
        self[path] = names
        return names


_NAMES = _Names()


def split(path: FieldPath) -> tuple[str | int, ...]:
    """Return the parts of a path; digits are list indexes."""
    return _parts(path) if isinstance(path, str) else path


@dataclass(frozen=True, slots=True)
class Fields:
    """A read-only view of a mapping. Readers never raise: a missing, null or mistyped field yields the default.

    Rules read live objects, which can be broken in any way.
    """

    body: Any = field(default_factory=dict, repr=False)
    path: tuple[str | int, ...] = ()

    def get(self, path: FieldPath) -> Any:
        """Return the raw value, or None. The caller checks its type."""
        names = _NAMES[path] if type(path) is str else None
        if names is None:
            return self._walk(path)
        # The hot path of every rule: one loop over mappings, without type checks.
        value = self.body
        try:
            for name in names:
                value = value.get(name)
                if value is None:
                    return None
        except AttributeError:
            return None
        return value

    def _walk(self, path: FieldPath) -> Any:
        """Return the value at a path that may go through lists, or None."""
        value = self.body
        for part in _parts(path) if type(path) is str else path:
            kind = type(value)
            if kind is dict:
                value = value.get(part if type(part) is str else str(part))
            elif (kind is list or kind is tuple) and type(part) is int and part < len(value):
                value = value[part]
            else:
                return None
            if value is None:
                return None
        return value

    def has(self, path: FieldPath) -> bool:
        """Tell whether the field exists and is not null."""
        return self.get(path) is not None

    def text(self, path: FieldPath, default: str = "") -> str:
        """Return a string field."""
        value = self.get(path)
        return value if isinstance(value, str) else default

    def number(self, path: FieldPath, default: int = 0) -> int:
        """Return an integer field."""
        value = self.get(path)
        return value if isinstance(value, int) and not isinstance(value, bool) else default

    def flag(self, path: FieldPath, default: bool = False) -> bool:
        """Return a boolean field."""
        value = self.get(path)
        return value if isinstance(value, bool) else default

    def message(self, path: FieldPath) -> str:
        """Return a message that somebody wrote for people: stripped and bounded, see bounded()."""
        return bounded(self.text(path))

    def strings(self, path: FieldPath) -> tuple[str, ...]:
        """Return the strings of a list field."""
        value = self.get(path)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()

    def fields(self, path: FieldPath) -> Fields:
        """Return a nested mapping, empty if there is none."""
        value = self.get(path)
        return Fields(value if isinstance(value, dict) else {}, (*self.path, *split(path)))

    def rows(self, path: FieldPath) -> tuple[Fields, ...]:
        """Return the mappings of a list field; their paths contain the index."""
        value = self.get(path)
        if not isinstance(value, list | tuple):
            return ()
        base = (*self.path, *split(path))
        return tuple(Fields(item, (*base, i)) for i, item in enumerate(value) if isinstance(item, dict))

    def keys(self, path: FieldPath = ()) -> tuple[str, ...]:
        """Return the keys of a nested mapping, sorted."""
        value = self.get(path) if path else self.body
        return tuple(sorted(k for k in value if isinstance(k, str))) if isinstance(value, dict) else ()

    def items(self, path: FieldPath = ()) -> Iterator[tuple[str, str]]:
        """Yield the string entries of a nested mapping, sorted by key."""
        mapping = self.get(path) if path else self.body
        for key in self.keys(path):
            value = mapping.get(key)
            if isinstance(value, str):
                yield key, value

    @property
    def dotted(self) -> str:
        """Return the path of the view in the object, as people write it: ``spec.dependsOn[0]``."""
        return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path).removeprefix(".")


#: The most characters of a message. The API server takes 32 kB for a condition; a snapshot has what its author likes. A report
#: shows a line, and what identifies a fault is at the beginning or at the end.
_HEAD, _TAIL = 12_000, 4_000


def bounded(message: str) -> str:
    """Return a message without white space around it, and without the middle of a very long one.

    Every message of a controller and of an event passes here, and no rule reads one otherwise: a test enforces it.
    """
    message = message.strip()
    if len(message) <= _HEAD + _TAIL:
        return message
    return f"{message[:_HEAD]} [... {len(message) - _HEAD - _TAIL:,} characters left out ...] {message[-_TAIL:]}"


class Condition(NamedTuple):
    """A status condition. A named tuple, because a fleet has tens of thousands."""

    type: str
    status: str
    reason: str
    message: str
    since: datetime | None
    generation: int


def string(row: Any, key: str, default: str = "") -> str:
    """Return a string entry of a value that should be a mapping. For readers that a fleet calls 100,000 times."""
    value = row.get(key) if isinstance(row, dict) else None
    return value if isinstance(value, str) else default


def _condition(row: dict[str, Any]) -> Condition:
    """Parse a condition directly from its mapping, because a fleet has tens of thousands."""
    generation = row.get("observedGeneration")
    return Condition(
        string(row, "type"),
        string(row, "status"),
        string(row, "reason"),
        bounded(string(row, "message")),
        moment(string(row, "lastTransitionTime")),
        generation if isinstance(generation, int) and not isinstance(generation, bool) else 0,
    )


@dataclass(frozen=True)
class Resource(Fields, Memo):
    """A Kubernetes object. ``file`` and ``marks`` are its location, if it was read from YAML."""

    ref: Ref = field(default_factory=lambda: Ref("", "", ""))
    file: str = ""
    marks: Marks = field(default_factory=dict, repr=False)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """The status conditions, in their order; parsed once, because many rules read them."""
        rows = self.get("status.conditions")
        return tuple(_condition(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list | tuple) else ()

    @cached_property
    def source_ref(self) -> Ref:
        """The source that spec.sourceRef names, by default in the object's own namespace; parsed once, as many rules read it."""
        namespace = self.text("spec.sourceRef.namespace") or self.ref.namespace
        return Ref(self.text("spec.sourceRef.kind"), namespace, self.text("spec.sourceRef.name"))

    @property
    def kind(self) -> str:
        """Return the kind, as in the Ref."""
        return self.ref.kind

    @property
    def namespace(self) -> str:
        """Return the namespace, "" if cluster-scoped."""
        return self.ref.namespace

    @property
    def name(self) -> str:
        """Return the name."""
        return self.ref.name

    @property
    def api_version(self) -> str:
        """Return ``group/version``, or ``v1`` for the core group."""
        return self.text("apiVersion")

    @property
    def group(self) -> str:
        """Return the API group, "" for the core group."""
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""

    def label(self, key: str, default: str = "") -> str:
        """Return a label's value."""
        return string(self.get("metadata.labels"), key, default)

    def annotation(self, key: str, default: str = "") -> str:
        """Return an annotation's value."""
        return string(self.get("metadata.annotations"), key, default)

    def at(self, path: FieldPath = ()) -> Location | None:
        """Return the location of a field, or of its nearest parent that exists; None for a live object."""
        if not self.file:
            return None
        parts = split(path)
        for end in range(len(parts), -1, -1):
            mark = self.marks.get(parts[:end])
            if mark:
                return Location(self.file, *mark)
        return Location(self.file)

"""Lists and look-ups of one kind, each with how far the sight went: what failed is a gap, never an absence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fluxdoctor.collect.kube.api import Api, ApiError
from fluxdoctor.collect.kube.discovery import Served
from fluxdoctor.model.flux import kind_name
from fluxdoctor.model.gaps import Gap, GapReason, KindScope
from fluxdoctor.model.resource import Ref

_REFUSALS = 8
T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class ReadResult:
    """What was read: objects as the API server sent them, what was seen in full, what is not there, what is not known."""

    bodies: list[Any] = field(default_factory=list)
    listed: dict[str, frozenset[str] | None] = field(default_factory=dict)
    absent: list[Ref] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def add(self, other: ReadResult) -> None:
        """Take in what another read found."""
        self.bodies += other.bodies
        self.absent += other.absent
        self.gaps += other.gaps
        for kind, spaces in other.listed.items():
            known = self.listed.get(kind, frozenset())
            self.listed[kind] = None if spaces is None or known is None else known | spaces


#: Kinds with many objects, and none of which a rule asks who wrote it.
_MANY = frozenset({"CustomResourceDefinition", "Event", "Pod", "ReplicaSet", "Secret"})


def strip(body: dict[str, Any], kind: Served) -> dict[str, Any]:
    """Leave out what no rule reads and much memory holds; name the kind, which the items of built-in lists do not."""
    body["apiVersion"] = body.get("apiVersion") or (
        f"{kind.group}/{kind.versions[0]}" if kind.group else kind.versions[0]
    )
    body["kind"] = body.get("kind") or kind.kind
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        if kind.kind in _MANY:
            metadata.pop("managedFields", None)
        # Who wrote what of a spec, and when, stands nowhere else; which fields of the status a controller writes is known.
        for row in metadata.get("managedFields") or ():
            if row.get("subresource") == "status":
                row.pop("fieldsV1", None)
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    return body


class Reader:
    """Reads many things at once from one API server."""

    def __init__(self, api: Api, pool: ThreadPoolExecutor) -> None:
        """``pool`` bounds how many requests are under way."""
        self._api = api
        self._pool = pool

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Call a function for each item, several at once, and return the results in the items' order."""
        return list(self._pool.map(function, items))

    def run(self, jobs: Iterable[Callable[[], ReadResult]]) -> ReadResult:
        """Do several reads at once, and return all that they found, in their order."""
        found = ReadResult()
        for got in self.map(lambda job: job(), jobs):
            found.add(got)
        return found

    def list(
        self,
        kind: Served,
        namespaces: Sequence[str] = (),
        *,
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
        most: int = 0,
    ) -> ReadResult:
        """List a kind, everywhere or in some namespaces. Seen in full is only what came without an error or a filter."""
        name = kind_name(kind.kind, kind.group)
        found = ReadResult()
        seen: set[str] = set()
        for space in namespaces or ("",):
            scope = KindScope(name, space)
            bodies: list[Any] = []
            try:
                for count in self._api.items(kind.path(space), bodies, query, accept=accept):
                    if most and count >= most:
                        found.gaps.append(
                            Gap(scope, GapReason.TOO_LARGE, f"there are more than {most}; the rest was not read")
                        )
                        break
                else:
                    seen.add(space)
            except ApiError as error:
                found.gaps.append(Gap(scope, error.reason, error.why))
            found.bodies += (strip(body, kind) for body in bodies)
        if not query and seen:
            found.listed[name] = None if seen == {""} else frozenset(seen)
        return found

    def get(self, kind: Served | None, ref: Ref) -> ReadResult:
        """Look one object up by its name: present, absent, or a gap."""
        if kind is None:
            why = f"{ref.kind} is not a kind that this API server serves"
            return ReadResult(gaps=[Gap(ref, GapReason.NOT_SERVED, why)])
        try:
            body = self._api.get(kind.path(ref.namespace, ref.name))
        except ApiError as error:
            return ReadResult(absent=[ref]) if error.absent else ReadResult(gaps=[Gap(ref, error.reason, error.why)])
        return ReadResult([strip(body, kind)]) if isinstance(body, dict) else ReadResult()

    def gets(self, wanted: Iterable[tuple[Served | None, Ref]]) -> ReadResult:
        """Look many objects up. Where a namespace refuses again and again, the rest of its kind is not asked for."""
        found = ReadResult()
        refused: Counter[tuple[str, str]] = Counter()
        refused_why: dict[tuple[str, str], str] = {}

        def one(pair: tuple[Served | None, Ref]) -> ReadResult:
            kind, ref = pair
            if refused[ref.kind, ref.namespace] >= _REFUSALS:
                return ReadResult(gaps=[Gap(ref, GapReason.FORBIDDEN, refused_why[ref.kind, ref.namespace])])
            got = self.get(kind, ref)
            for gap in got.gaps:
                if gap.reason is GapReason.FORBIDDEN:
                    refused[ref.kind, ref.namespace] += 1
                    refused_why[ref.kind, ref.namespace] = gap.why
            return got

        for got in self.map(one, wanted):
            found.add(got)
        return found

"""Lists and looks up objects, and records how complete each read was: a failure is a gap, never an absence."""

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

_MAX_REFUSALS = 8
T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class ReadResult:
    """The result of reads: objects of the API server, kinds that were listed in full, absent objects, and gaps.

    ``listed``: by kind the namespaces that were listed in full, None for all namespaces.
    """

    bodies: list[Any] = field(default_factory=list)
    listed: dict[str, frozenset[str] | None] = field(default_factory=dict)
    absent: list[Ref] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def add(self, other: ReadResult) -> None:
        """Add the results of another read."""
        self.bodies += other.bodies
        self.absent += other.absent
        self.gaps += other.gaps
        for kind, namespaces in other.listed.items():
            listed = self.listed.get(kind, frozenset())
            self.listed[kind] = None if namespaces is None or listed is None else listed | namespaces


#: Kinds with many objects whose field managers no rule reads.
_NUMEROUS = frozenset({"CustomResourceDefinition", "Event", "Pod", "ReplicaSet", "Secret"})


def strip(body: dict[str, Any], kind: Served) -> dict[str, Any]:
    """Remove large fields that no rule reads; set the kind, which the items of built-in lists lack."""
    body["apiVersion"] = body.get("apiVersion") or (
        f"{kind.group}/{kind.versions[0]}" if kind.group else kind.versions[0]
    )
    body["kind"] = body.get("kind") or kind.kind
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        if kind.kind in _NUMEROUS:
            metadata.pop("managedFields", None)
        # Only managedFields say who changed a spec and when; the status always belongs to its controller.
        managers = metadata.get("managedFields")
        for row in managers if isinstance(managers, list) else ():
            if isinstance(row, dict) and row.get("subresource") == "status":
                row.pop("fieldsV1", None)
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    return body


class Reader:
    """Reads from one API server, several requests at a time."""

    def __init__(self, api: Api, pool: ThreadPoolExecutor) -> None:
        """``pool`` limits the number of concurrent requests."""
        self._api = api
        self._pool = pool

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Call a function for each item concurrently; return the results in the items' order."""
        return list(self._pool.map(function, items))

    def run(self, jobs: Iterable[Callable[[], ReadResult]]) -> ReadResult:
        """Run several reads concurrently; return all their results, in their order."""
        merged = ReadResult()
        for result in self.map(lambda job: job(), jobs):
            merged.add(result)
        return merged

    def list(
        self,
        kind: Served,
        namespaces: Sequence[str] = (),
        *,
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
        most: int = 0,
    ) -> ReadResult:
        """List a kind, in all namespaces or in some. Only a list without error and without filter counts as listed in full."""
        name = kind_name(kind.kind, kind.group)
        result = ReadResult()
        complete: set[str] = set()
        for namespace in namespaces or ("",):
            scope = KindScope(name, namespace)
            bodies: list[Any] = []
            try:
                for count in self._api.items(kind.path(namespace), bodies, query, accept=accept):
                    if most and count >= most:
                        result.gaps.append(
                            Gap(scope, GapReason.TOO_LARGE, f"there are more than {most}; the rest was not read")
                        )
                        break
                else:
                    complete.add(namespace)
            except ApiError as error:
                result.gaps.append(Gap(scope, error.reason, error.why))
            result.bodies += (strip(body, kind) for body in bodies)
        if not query and complete:
            result.listed[name] = None if complete == {""} else frozenset(complete)
        return result

    def get(self, kind: Served | None, ref: Ref) -> ReadResult:
        """Look up one object by its name: it is present, absent, or a gap."""
        if kind is None:
            text = f"the API server does not serve kind {ref.kind}"
            return ReadResult(gaps=[Gap(ref, GapReason.NOT_SERVED, text)])
        try:
            body = self._api.get(kind.path(ref.namespace, ref.name))
        except ApiError as error:
            return (
                ReadResult(absent=[ref]) if error.is_not_found else ReadResult(gaps=[Gap(ref, error.reason, error.why)])
            )
        return ReadResult([strip(body, kind)]) if isinstance(body, dict) else ReadResult()

    def gets(self, requests: Iterable[tuple[Served | None, Ref]]) -> ReadResult:
        """Look up many objects. After several access denials for a kind in a namespace, the others of that kind are skipped."""
        merged = ReadResult()
        refusals: Counter[tuple[str, str]] = Counter()
        refused_why: dict[tuple[str, str], str] = {}

        def get_unless_refused(pair: tuple[Served | None, Ref]) -> ReadResult:
            kind, ref = pair
            if refusals[ref.kind, ref.namespace] >= _MAX_REFUSALS:
                return ReadResult(gaps=[Gap(ref, GapReason.FORBIDDEN, refused_why[ref.kind, ref.namespace])])
            result = self.get(kind, ref)
            for gap in result.gaps:
                if gap.reason is GapReason.FORBIDDEN:
                    refusals[ref.kind, ref.namespace] += 1
                    refused_why[ref.kind, ref.namespace] = gap.why
            return result

        for result in self.map(get_unless_refused, requests):
            merged.add(result)
        return merged

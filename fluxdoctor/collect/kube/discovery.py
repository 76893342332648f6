"""What the API server serves: so that a kind that is not installed, or a version that is not served, is a fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxdoctor.collect.kube.api import Api, ApiError
from fluxdoctor.model.gaps import Gap, GapReason, StepScope
from fluxdoctor.model.resource import Fields

#: Aggregated discovery: one answer for all groups (GA in Kubernetes 1.30, v2beta1 since 1.26); else the list of groups.
_ACCEPT = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True, slots=True)
class Served:
    """A kind that is served: its versions, the preferred one first, its plural name, and whether it is namespaced."""

    group: str
    kind: str
    plural: str
    versions: tuple[str, ...]
    namespaced: bool

    def path(self, namespace: str = "", name: str = "", version: str = "") -> str:
        """Return the path of the collection, of it in a namespace, or of one object."""
        from urllib.parse import quote

        root = f"/apis/{self.group}" if self.group else "/api"
        space = f"/namespaces/{quote(namespace, safe='')}" if namespace and self.namespaced else ""
        tail = f"/{quote(name, safe='')}" if name else ""
        return f"{root}/{version or self.versions[0]}{space}/{self.plural}{tail}"


@dataclass(frozen=True)
class Discovery:
    """All kinds that are served, by (group, kind); ``groups`` whose kinds could not be told are unknown, not absent."""

    served: Mapping[tuple[str, str], Served] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    stale: frozenset[str] = frozenset()

    def of(self, group: str, kind: str) -> Served | None:
        """Return a kind, or None when it is not served (see known)."""
        return self.served.get((group, kind))

    def alone(self, kind: str) -> Served | None:
        """Return a kind by its name alone, where one group only serves it: an identity of a foreign kind has no group."""
        found = [one for (_, name), one in self.served.items() if name == kind]
        return found[0] if len(found) == 1 else None

    def known(self, group: str) -> bool:
        """Tell whether all kinds of a group are known: a kind of it that is not here is not served."""
        return group not in self.stale and "*" not in self.stale


def discover(api: Api, groups: Iterable[str]) -> Discovery:
    """Ask what is served; ``groups`` are those that matter where each must be asked for by itself. Raises ApiError."""
    rows: dict[tuple[str, str], Served] = {}
    gaps: list[Gap] = []
    stale: set[str] = set()
    for path in ("/api", "/apis"):
        body = Fields(api.get(path, accept=_ACCEPT))
        if body.text("kind") == "APIGroupDiscoveryList":
            _aggregated(body, rows, stale)
        elif path == "/api":
            _resources(api, "", ["v1"], rows, gaps, stale)
        else:
            wanted = set(groups)
            for group in body.rows("groups"):
                name = group.text("name")
                preferred = group.text("preferredVersion.version")
                versions = sorted((v.text("version") for v in group.rows("versions")), key=lambda v: v != preferred)
                if name in wanted:
                    _resources(api, name, versions, rows, gaps, stale)
    gaps += [
        Gap(StepScope(f"discovery of {group}"), GapReason.UNAVAILABLE, "its API server does not answer")
        for group in sorted(stale)
    ]
    return Discovery(rows, tuple(dict.fromkeys(gaps)), frozenset(stale))


def _add(rows: dict[tuple[str, str], Served], one: Served) -> None:
    known = rows.get((one.group, one.kind))
    versions = tuple(dict.fromkeys((*(known.versions if known else ()), *one.versions)))
    rows[one.group, one.kind] = Served(one.group, one.kind, one.plural, versions, one.namespaced)


def _aggregated(body: Fields, rows: dict[tuple[str, str], Served], stale: set[str]) -> None:
    for group in body.rows("items"):
        name = group.text("metadata.name")
        for version in group.rows("versions"):
            if version.text("freshness") == "Stale":
                stale.add(name)
            for row in version.rows("resources"):
                kind = row.text("responseKind.kind")
                if kind:
                    spaced = row.text("scope") == "Namespaced"
                    _add(rows, Served(name, kind, row.text("resource"), (version.text("version"),), spaced))


def _resources(  # noqa: PLR0913, PLR0917 - what is found goes to three places
    api: Api, group: str, versions: Iterable[str], rows: dict[tuple[str, str], Served], gaps: list[Gap], stale: set[str]
) -> None:
    for version in versions:
        try:
            body: Any = api.get(f"/apis/{group}/{version}" if group else f"/api/{version}")
        except ApiError as error:
            gaps.append(Gap(StepScope(f"discovery of {group}/{version}"), error.reason, error.why))
            stale.add(group)
            continue
        for row in Fields(body).rows("resources"):
            if "/" not in row.text("name"):
                spaced = row.flag("namespaced")
                _add(rows, Served(group, row.text("kind"), row.text("name"), (version,), spaced))

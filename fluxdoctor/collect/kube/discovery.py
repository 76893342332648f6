"""Discovers the kinds that the API server serves, so that a missing kind or version is a fact."""

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
    """A served kind: its versions, the preferred one first, its plural name, and whether it is namespaced."""

    group: str
    kind: str
    plural: str
    versions: tuple[str, ...]
    namespaced: bool

    def path(self, namespace: str = "", name: str = "", version: str = "") -> str:
        """Return the path of the collection in all namespaces or one, or of one object."""
        from urllib.parse import quote

        root = f"/apis/{self.group}" if self.group else "/api"
        space = f"/namespaces/{quote(namespace, safe='')}" if namespace and self.namespaced else ""
        tail = f"/{quote(name, safe='')}" if name else ""
        return f"{root}/{version or self.versions[0]}{space}/{self.plural}{tail}"


@dataclass(frozen=True)
class Discovery:
    """All served kinds, by (group, kind). The kinds of ``stale`` groups ("*": all) are unknown, not absent."""

    served: Mapping[tuple[str, str], Served] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    stale: frozenset[str] = frozenset()

    def of(self, group: str, kind: str) -> Served | None:
        """Return a kind, or None if it is not served (see covers)."""
        return self.served.get((group, kind))

    def by_unique_name(self, kind: str) -> Served | None:
        """Return a kind by its name, if exactly one group serves it: references to foreign kinds have no group."""
        matches = [served for (_, name), served in self.served.items() if name == kind]
        return matches[0] if len(matches) == 1 else None

    def covers(self, group: str) -> bool:
        """Tell whether all kinds of a group are known, so that a missing kind is not served."""
        return group not in self.stale and "*" not in self.stale


def discover(api: Api, groups: Iterable[str]) -> Discovery:
    """Return the served kinds. Without aggregated discovery only ``groups`` are read. Raises ApiError."""
    rows: dict[tuple[str, str], Served] = {}
    gaps: list[Gap] = []
    stale: set[str] = set()
    for path in ("/api", "/apis"):
        body = Fields(api.get(path, accept=_ACCEPT))
        if body.text("kind") == "APIGroupDiscoveryList":
            _read_aggregated(body, rows, stale)
        elif path == "/api":
            _read_resources(api, "", ["v1"], rows, gaps, stale)
        else:
            group_names = set(groups)
            for group in body.rows("groups"):
                name = group.text("name")
                preferred = group.text("preferredVersion.version")
                versions = sorted((v.text("version") for v in group.rows("versions")), key=lambda v: v != preferred)
                if name in group_names:
                    _read_resources(api, name, versions, rows, gaps, stale)
    gaps += [
        Gap(StepScope(f"discovery of {group}"), GapReason.UNAVAILABLE, "its API server does not answer")
        for group in sorted(stale)
    ]
    return Discovery(rows, tuple(dict.fromkeys(gaps)), frozenset(stale))


def _add(rows: dict[tuple[str, str], Served], served: Served) -> None:
    earlier = rows.get((served.group, served.kind))
    versions = tuple(dict.fromkeys((*(earlier.versions if earlier else ()), *served.versions)))
    rows[served.group, served.kind] = Served(served.group, served.kind, served.plural, versions, served.namespaced)


def _read_aggregated(body: Fields, rows: dict[tuple[str, str], Served], stale: set[str]) -> None:
    for group in body.rows("items"):
        name = group.text("metadata.name")
        for version in group.rows("versions"):
            if version.text("freshness") == "Stale":
                stale.add(name)
            for row in version.rows("resources"):
                kind = row.text("responseKind.kind")
                if kind:
                    is_namespaced = row.text("scope") == "Namespaced"
                    _add(rows, Served(name, kind, row.text("resource"), (version.text("version"),), is_namespaced))


def _read_resources(  # noqa: PLR0913, PLR0917 - it adds to three collections
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
                is_namespaced = row.flag("namespaced")
                _add(rows, Served(group, row.text("kind"), row.text("name"), (version,), is_namespaced))

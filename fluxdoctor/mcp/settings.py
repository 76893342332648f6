"""What the server may read and do, and how long its answers are: set by the user who starts it, never by a client."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fluxdoctor.collect.kube.login import ClusterLogin
from fluxdoctor.collect.live import Probing


@dataclass(frozen=True)
class ServerSettings:
    """The limits of a server.

    ``contexts``: the contexts of the kubeconfig that clients may name, the first by default; none is the current one.
    ``snapshot``: answer from this snapshot, and ask no cluster. ``roots``: folders below which clients may name paths.
    ``writes``: offer the tools that change the cluster; ``namespaces``: only there, everywhere where none is named.
    ``tokens``: about how long an answer may be. ``fresh``: seconds for which a reading is used again. ``timeout``: seconds
    for one call. ``workers``: the number of worker processes, and so of calls that run at a time; ``memory``: MiB of address
    space that each may use. ``idle``: seconds without a request after which an HTTP session ends.
    """

    login: ClusterLogin = field(default_factory=ClusterLogin)
    contexts: tuple[str, ...] = ()
    snapshot: Path | None = None
    roots: tuple[Path, ...] = ()
    writes: bool = False
    namespaces: tuple[str, ...] = ()
    tokens: int = 2000
    fresh: float = 60
    timeout: float = 60
    probing: Probing = Probing.ALL
    allow_local: bool = False
    cache: Path | None = None
    workers: int = 4
    memory: int = 4096
    idle: float = 1800


def to_json(settings: ServerSettings) -> dict[str, Any]:
    """Return settings as JSON values, for a worker process."""
    body = asdict(settings)
    paths = {key: str(body[key]) if body[key] else None for key in ("snapshot", "cache")}
    return {**body, **paths, "roots": [str(root) for root in settings.roots], "probing": settings.probing.value}


def from_json(body: dict[str, Any]) -> ServerSettings:
    """Return the settings that ``to_json`` wrote."""
    login = {**body["login"], "as_groups": tuple(body["login"]["as_groups"])}
    return ServerSettings(
        **{
            **body,
            "login": ClusterLogin(**login),
            "contexts": tuple(body["contexts"]),
            "namespaces": tuple(body["namespaces"]),
            "roots": tuple(map(Path, body["roots"])),
            "snapshot": Path(body["snapshot"]) if body["snapshot"] else None,
            "cache": Path(body["cache"]) if body["cache"] else None,
            "probing": Probing(body["probing"]),
        }
    )

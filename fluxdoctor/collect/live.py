"""A live cluster and the sources that it names, as one Snapshot."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from fluxdoctor.collect import cluster
from fluxdoctor.collect.cluster import Scope
from fluxdoctor.collect.deadline import Deadline
from fluxdoctor.collect.kube.api import Api
from fluxdoctor.collect.kube.login import Login, connect
from fluxdoctor.model.snapshot import Snapshot, Versions


class Probing(StrEnum):
    """Which sources are asked over the network."""

    ALL = "all"
    FAILING = "failing"
    """Those that fail, and those that something failing reads from."""
    NONE = "none"


@dataclass(frozen=True)
class Target:
    """What to look at, how to get there, and how far to go."""

    login: Login = field(default_factory=Login)
    scope: Scope = field(default_factory=Scope)
    probing: Probing = Probing.ALL
    allow_local: bool = False
    cache: Path | None = None


def collect(
    target: Target, deadline: Deadline, needs: Collection[type] = (), progress: Callable[[str], None] = lambda _: None
) -> Snapshot:
    """Read a cluster and, of the facts that rules need, what its sources hold. Raises ClusterError."""
    with _uncollected(), connect(target.login, deadline) as connection:
        sight = cluster.collect(Api(connection, deadline), connection, target.scope, progress)
        return Snapshot(
            taken=datetime.now(UTC).replace(microsecond=0),
            cluster=sight.cluster,
            versions=Versions(sight.versions),
            gaps=sight.cluster.gaps,
            mode="live",
            name=connection.name,
        )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Millions of new objects that all stay: looking through them for garbage again and again doubles the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()

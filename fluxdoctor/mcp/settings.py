"""What the server may read and do, and how long its answers are: set by the user who starts it, never by a client."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fluxdoctor.collect.kube.login import ClusterLogin
from fluxdoctor.collect.live import Probing


@dataclass(frozen=True)
class ServerSettings:
    """The limits of a server.

    ``contexts``: the contexts of the kubeconfig that clients may name, the first by default; none is the current one.
    ``snapshot``: answer from this snapshot, and ask no cluster. ``roots``: folders below which clients may name paths.
    ``writes``: offer the tools that change the cluster; ``namespaces``: only there, everywhere where none is named.
    ``tokens``: about how long an answer may be. ``fresh``: seconds for which a reading is used again. ``timeout``: seconds
    for one call.
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

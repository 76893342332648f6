"""Read a live cluster, and the sources that it names, for a diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from fluxdoctor.app.diagnose import ALL_RULES, RuleOptions
from fluxdoctor.collect import live
from fluxdoctor.collect.kube.cluster import Scope
from fluxdoctor.collect.kube.login import ClusterLogin
from fluxdoctor.collect.live import Probing
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.engine import select
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Catalogue


def _nothing() -> Collection[type]:
    return ()


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True)
class ClusterOptions:
    """Which cluster to read, as whom, and how much of it."""

    deadline: Deadline
    """When reading ends, with what has been read by then."""
    login: ClusterLogin = field(default_factory=ClusterLogin)
    """The kubeconfig, its context, and whom to impersonate."""
    namespaces: tuple[str, ...] = ()
    """Only these namespaces, and what their objects refer to; all namespaces if empty."""
    focus: Ref | None = None
    """Only this object, and what it depends on."""
    besides: tuple[Ref, ...] = ()
    """Objects that are read too, in whichever namespace."""
    probing: Probing = Probing.ALL
    """Which sources are asked over the network."""
    allow_local: bool = False
    """Whether sources at loopback, link-local and metadata addresses are asked too."""
    cache: Path | None = None
    """The folder that keeps what sources answered; nothing is kept without it."""
    facts: Callable[[], Collection[type]] = _nothing
    """Returns the kinds of facts that the rules read: others are not fetched. Called after the cluster was read, so that
    rules can be loaded meanwhile."""
    progress: Callable[[str], None] = _silent
    """Called with each step."""


def read_cluster(options: ClusterOptions) -> Snapshot:
    """Read a cluster and, of the facts that rules need, those of its sources.

    Raises ClusterError if the cluster cannot be asked at all.
    """
    target = live.ClusterTarget(
        options.login, Scope(options.namespaces, options.focus, options.besides), options.probing,
        allow_local=options.allow_local, cache=options.cache,
    )  # fmt: skip
    return live.collect(target, options.deadline, options.facts, options.progress)


def facts_of(catalogue: Catalogue, options: RuleOptions = ALL_RULES) -> frozenset[type]:
    """Return the kinds of facts that the rules read whose findings count."""
    rules = select(catalogue.rules, options.only, options.ignore)
    return frozenset(need.fact for rule in rules for need in rule.needs)

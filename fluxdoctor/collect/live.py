"""A live cluster and the sources that it names, as one Snapshot."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from fluxdoctor.collect.garbage import uncollected
from fluxdoctor.collect.kube import cluster
from fluxdoctor.collect.kube.api import Api
from fluxdoctor.collect.kube.cluster import ClusterReading, Scope
from fluxdoctor.collect.kube.login import ClusterLogin, connect
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.model import charts, flux
from fluxdoctor.model.chart_indexes import ChartIndexes
from fluxdoctor.model.charts import Charts
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import Edge, State
from fluxdoctor.model.graph import Graph
from fluxdoctor.model.manifests import Manifests
from fluxdoctor.model.oci import OciTags
from fluxdoctor.model.probes import Probe, Probes
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.snapshot import Snapshot, Versions
from fluxdoctor.model.tree import GitTrees

_ASKED = ("GitRepository", "HelmRepository", "OCIRepository", "Bucket")
_READS = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.INCLUDE)


class Probing(StrEnum):
    """Which sources are asked over the network."""

    ALL = "all"
    FAILING = "failing"
    """Those that fail, and those that something failing reads from."""
    NONE = "none"


@dataclass(frozen=True)
class ClusterTarget:
    """What to look at, how to get there, and how far to go."""

    login: ClusterLogin = field(default_factory=ClusterLogin)
    scope: Scope = field(default_factory=Scope)
    probing: Probing = Probing.ALL
    allow_local: bool = False
    cache: Path | None = None


def collect(
    target: ClusterTarget,
    deadline: Deadline,
    needs: Callable[[], Collection[type]],
    progress: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Read a cluster and, of the facts that rules need, what its sources hold. Raises ClusterError."""
    with uncollected(stays=True):
        with connect(target.login, deadline) as connection:
            sight = cluster.collect(Api(connection, deadline), connection, target.scope, progress)
        # Pages arrive over seconds: the moment is that of the last answer, so that nothing lies in its future.
        taken = datetime.now(UTC).replace(microsecond=0)
        snapshot = Snapshot(
            taken=taken, cluster=sight.cluster, versions=Versions(sight.versions), gaps=sight.cluster.gaps, mode="live",
            name=connection.name,
        )  # fmt: skip
        if target.probing is Probing.NONE or deadline.cancelled:
            return snapshot
        progress("asking the sources")
        reach = ProbeContext(deadline, taken, sight.vault, target.cache, target.allow_local, progress=progress)
        return ask(snapshot, chosen(sight, target.probing), reach, needs())


def chosen(sight: ClusterReading, probing: Probing) -> list[Resource]:
    """Return the sources to ask: of the scope, and of those the failing ones where only these are wanted."""
    sources = [r for r in sight.cluster.all(*_ASKED) if r.ref in sight.kin]
    if probing is Probing.ALL:
        return sources
    graph = Graph(sight.cluster)
    wanted: set[Ref] = set()
    todo = [r.ref for r in sight.cluster.flux if flux.state(r) not in (State.READY, State.STATIC)]
    while todo:
        ref = todo.pop()
        if ref not in wanted:
            wanted.add(ref)
            todo += [edge.target for edge in graph.needs(ref, *_READS)]
    return [r for r in sources if r.ref in wanted]


def ask(snapshot: Snapshot, sources: Collection[Resource], reach: ProbeContext, needs: Collection[type]) -> Snapshot:
    """Ask git hosts, Helm repositories, registries and buckets at once, and add what they answered."""
    from fluxdoctor.collect import git
    from fluxdoctor.collect.charts import verdicts
    from fluxdoctor.collect.sources import bucket, helm, oci

    seen = snapshot.cluster
    of = {kind: [r for r in sources if r.kind == kind] for kind in _ASKED}
    registries = [r for r in of["HelmRepository"] if flux.is_oci_helm_repository(r)]
    indexed = [r for r in of["HelmRepository"] if not flux.is_oci_helm_repository(r)]
    wanted = charts_wanted(seen)
    archives = frozenset(verdicts.archives(seen).values()) if Charts in needs else ()
    held = tuple(charts.used_charts(seen)) if Charts in needs else ()
    trees = GitTrees in needs or Manifests in needs
    with ThreadPoolExecutor(4, thread_name_prefix="ask") as pool:
        asked_git = pool.submit(git.collect, of["GitRepository"], reach, trees=trees)
        asked_helm = pool.submit(helm.collect, indexed, wanted, reach, archives=archives, held=held)
        asked_oci = pool.submit(oci.collect, [*of["OCIRepository"], *registries], wanted, reach, archives=archives)
        asked_buckets = pool.submit(bucket.collect, of["Bucket"], reach)
        found_git, found_helm, found_oci, found_buckets = (
            asked_git.result(), asked_helm.result(), asked_oci.result(), asked_buckets.result(),
        )  # fmt: skip
    probes: dict[Ref, Probe] = {}
    gaps = list(snapshot.gaps)
    for found in (found_git, found_helm, found_oci, found_buckets):
        probes |= found.probes
        gaps += found.gaps
    pulled = {**found_helm.charts, **found_oci.archives}
    learnt = (found_oci.tags, found_oci.manifests, found_oci.charts)
    return replace(
        snapshot,
        # Where nothing was learnt there are no facts, here as in the snapshot that is saved of this run.
        git=GitTrees(found_git.trees, found_git.refs) if found_git.trees or found_git.refs else None,
        # What registries offer is asked with the indexes: where all repositories are registries, there is no index to miss.
        charts=ChartIndexes(found_helm.indexes) if found_helm.indexes or found_oci.charts else None,
        archives=Charts(pulled, verdicts.judge(seen, pulled)) if pulled else None,
        oci=OciTags(*learnt) if any(learnt) else None,
        probes=Probes(probes),
        gaps=tuple(dict.fromkeys(gaps)),
    )


def charts_wanted(cluster_: Cluster) -> dict[Ref, frozenset[str]]:
    """Return the names of the charts that are asked of each HelmRepository."""
    found: dict[Ref, set[str]] = {}
    for release in cluster_.all("HelmRelease"):
        for edge in flux.references(release):
            if edge.edge is Edge.SOURCE:
                found.setdefault(edge.target, set()).add(release.text("spec.chart.spec.chart"))
    for chart in cluster_.all("HelmChart"):
        repository = Ref(chart.text("spec.sourceRef.kind"), chart.namespace, chart.text("spec.sourceRef.name"))
        found.setdefault(repository, set()).add(chart.text("spec.chart"))
    return {ref: frozenset(filter(None, names)) for ref, names in found.items()}

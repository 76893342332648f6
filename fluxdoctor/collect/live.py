"""Reads a live cluster and probes its sources, and returns one Snapshot."""

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

_SOURCE_KINDS = ("GitRepository", "HelmRepository", "OCIRepository", "Bucket")
_READS = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.INCLUDE)


class Probing(StrEnum):
    """Which sources are probed over the network."""

    ALL = "all"
    FAILING = "failing"
    """Those that fail, and those that a failing object reads from."""
    NONE = "none"


@dataclass(frozen=True)
class ClusterTarget:
    """The cluster to read, how to connect to it, and which parts and sources to read."""

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
    """Read a cluster, and probe its sources for the facts in ``needs``. Raises ClusterError if the cluster cannot be read."""
    with uncollected(stays=True):
        with connect(target.login, deadline) as connection:
            reading = cluster.collect(Api(connection, deadline), connection, target.scope, progress)
        # Reading takes seconds. The time of the snapshot is that of the last answer, so that no object is newer than it.
        read_at = datetime.now(UTC).replace(microsecond=0)
        snapshot = Snapshot(
            taken=read_at, cluster=reading.cluster, versions=Versions(reading.versions), gaps=reading.cluster.gaps, mode="live",
            name=connection.name,
        )  # fmt: skip
        if target.probing is Probing.NONE or deadline.cancelled:
            return snapshot
        progress("probing the sources")
        context = ProbeContext(deadline, read_at, reading.vault, target.cache, target.allow_local, progress=progress)
        return ask(snapshot, sources_to_probe(reading, target.probing), context, needs())


def sources_to_probe(reading: ClusterReading, probing: Probing) -> list[Resource]:
    """Return the sources of the scope to probe: all, or with Probing.FAILING those that fail or that failing objects read."""
    sources = [r for r in reading.cluster.all(*_SOURCE_KINDS) if r.ref in reading.kin]
    if probing is Probing.ALL:
        return sources
    graph = Graph(reading.cluster)
    refs: set[Ref] = set()
    pending = [r.ref for r in reading.cluster.flux if flux.state(r) not in (State.READY, State.STATIC)]
    while pending:
        ref = pending.pop()
        if ref not in refs:
            refs.add(ref)
            pending += [edge.target for edge in graph.needs(ref, *_READS)]
    return [r for r in sources if r.ref in refs]


def ask(snapshot: Snapshot, sources: Collection[Resource], context: ProbeContext, needs: Collection[type]) -> Snapshot:
    """Probe git hosts, Helm repositories, registries and buckets concurrently, and add the results to the snapshot."""
    from fluxdoctor.collect import git
    from fluxdoctor.collect.charts import verdicts
    from fluxdoctor.collect.sources import bucket, helm, oci

    cluster_ = snapshot.cluster
    by_kind = {kind: [r for r in sources if r.kind == kind] for kind in _SOURCE_KINDS}
    registries = [r for r in by_kind["HelmRepository"] if flux.is_oci_helm_repository(r)]
    indexed = [r for r in by_kind["HelmRepository"] if not flux.is_oci_helm_repository(r)]
    chart_names = charts_wanted(cluster_)
    archives = frozenset(verdicts.archives_to_check(cluster_).values()) if Charts in needs else ()
    used_charts = tuple(charts.used_charts(cluster_)) if Charts in needs else ()
    needs_trees = GitTrees in needs or Manifests in needs
    with ThreadPoolExecutor(4, thread_name_prefix="ask") as pool:
        git_future = pool.submit(git.collect, by_kind["GitRepository"], context, trees=needs_trees)
        helm_future = pool.submit(
            helm.collect, indexed, chart_names, context, archives=archives, used_charts=used_charts
        )
        oci_future = pool.submit(
            oci.collect, [*by_kind["OCIRepository"], *registries], chart_names, context, archives=archives
        )
        bucket_future = pool.submit(bucket.collect, by_kind["Bucket"], context)
        git_results, helm_results, oci_results, bucket_results = (
            git_future.result(), helm_future.result(), oci_future.result(), bucket_future.result(),
        )  # fmt: skip
    probes: dict[Ref, Probe] = {}
    gaps = list(snapshot.gaps)
    for results in (git_results, helm_results, oci_results, bucket_results):
        probes |= results.probes
        gaps += results.gaps
    pulled = {**helm_results.charts, **oci_results.archives}
    registry_facts = (oci_results.tags, oci_results.manifests, oci_results.charts)
    return replace(
        snapshot,
        # None if nothing was read, as in a saved snapshot of this run.
        git=GitTrees(git_results.trees, git_results.refs) if git_results.trees or git_results.refs else None,
        # The tags of charts in registries count as indexes: if all repositories are registries, no index is missing.
        charts=ChartIndexes(helm_results.indexes) if helm_results.indexes or oci_results.charts else None,
        archives=Charts(pulled, verdicts.judge(cluster_, pulled)) if pulled else None,
        oci=OciTags(*registry_facts) if any(registry_facts) else None,
        probes=Probes(probes),
        gaps=tuple(dict.fromkeys(gaps)),
    )


def charts_wanted(cluster_: Cluster) -> dict[Ref, frozenset[str]]:
    """Return the names of the charts that releases and HelmCharts request from each HelmRepository."""
    names_by_repository: dict[Ref, set[str]] = {}
    for release in cluster_.all("HelmRelease"):
        for edge in flux.references(release):
            if edge.edge is Edge.SOURCE:
                names_by_repository.setdefault(edge.target, set()).add(release.text("spec.chart.spec.chart"))
    for chart in cluster_.all("HelmChart"):
        repository = Ref(chart.text("spec.sourceRef.kind"), chart.namespace, chart.text("spec.sourceRef.name"))
        names_by_repository.setdefault(repository, set()).add(chart.text("spec.chart"))
    return {ref: frozenset(filter(None, names)) for ref, names in names_by_repository.items()}

"""Asks the chart repositories of HelmReleases over the network for their charts, only if a user requests it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from fluxdoctor.collect.charts import values
from fluxdoctor.collect.live import charts_wanted
from fluxdoctor.collect.probe_context import ProbeContext, SourceResults
from fluxdoctor.collect.sources import helm, oci
from fluxdoctor.model import flux
from fluxdoctor.model.chart_indexes import ChartIndexes
from fluxdoctor.model.charts import referred
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.finding import Skipped
from fluxdoctor.model.oci import OciTags
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.snapshot import Snapshot

T = TypeVar("T")

#: Answers that a private repository gives without the cluster's Secrets: no error.
_PRIVATE = (Answer.UNKNOWN, Answer.AUTHENTICATION, Answer.NOT_FOUND, Answer.EMPTY)


@dataclass
class _ChartQuery:
    """One request for all sources with the same address and settings; the first of them stands for all."""

    source: Resource
    names: set[str] = field(default_factory=set)
    """The names of the charts."""
    refs: list[tuple[int, Ref]] = field(default_factory=list)
    """The index of a cluster, and the source in that cluster."""


def ask(snapshots: Sequence[Snapshot], reach: ProbeContext) -> tuple[list[Snapshot], list[Skipped]]:
    """Add the charts and versions that each cluster's repositories offer, and return the ones that did not answer.

    Each repository is asked once and without a login: the Secrets of a cluster are not in its repository. Raises nothing.
    """
    queries = _queries(snapshots)
    names = {ref: frozenset(query.names) for ref, query in queries.items()}
    registries = [
        q.source for q in queries.values() if q.source.kind != "HelmRepository" or flux.is_oci_helm_repository(q.source)
    ]
    indexed = [q.source for q in queries.values() if q.source not in registries]
    helm_results, oci_results = helm.collect(indexed, names, reach), oci.collect(registries, names, reach)
    answered = [
        replace(
            snapshot,
            charts=ChartIndexes(_of_cluster(helm_results.indexes, queries, i)),
            oci=OciTags(_of_cluster(oci_results.tags, queries, i), {}, _of_cluster(oci_results.charts, queries, i)),
        )
        for i, snapshot in enumerate(snapshots)
    ]
    return answered, _failures((helm_results, oci_results), queries)


def _queries(snapshots: Sequence[Snapshot]) -> dict[Ref, _ChartQuery]:
    """Return the requests for the repositories that HelmReleases use, by a Ref that is unique across clusters."""
    by_spec: dict[str, _ChartQuery] = {}
    for i, snapshot in enumerate(snapshots):
        for source, names in _chart_sources(snapshot.cluster):
            spec = source.get("spec")
            if values.is_open(spec):
                continue
            key = json.dumps([source.kind, source.namespace, spec], sort_keys=True, default=str)
            query = by_spec.setdefault(key, _ChartQuery(source))
            query.names |= names
            query.refs.append((i, source.ref))
    queries = {}
    for n, query in enumerate(by_spec.values()):
        ref = query.source.ref._replace(name=f"{query.source.name}#{n}")
        queries[ref] = replace(query, source=replace(query.source, ref=ref))
    return queries


def _chart_sources(cluster: Cluster) -> list[tuple[Resource, frozenset[str]]]:
    """Return the sources of the charts of a cluster, each with the names of the charts to find in its index."""
    charts = [
        (cluster.get(ref), names)
        for ref, names in charts_wanted(cluster).items()
        if ref.kind == "HelmRepository" and names
    ]
    artifacts = [(referred(release, cluster), frozenset[str]()) for release in cluster.all("HelmRelease")]
    return [(r, n) for r, n in charts if r is not None] + [
        (r, n) for r, n in artifacts if r and r.kind == "OCIRepository"
    ]


def _of_cluster(results: Mapping[Ref, T], queries: Mapping[Ref, _ChartQuery], index: int) -> dict[Ref, T]:
    return {ref: result for key, result in results.items() for i, ref in queries[key].refs if i == index}


def _failures(results: Sequence[SourceResults], queries: Mapping[Ref, _ChartQuery]) -> list[Skipped]:
    return [
        Skipped(
            "",
            queries[key].refs[0][1],
            f"{probe.target}: {probe.detail or probe.answer.value}",
            asked=probe.answer not in _PRIVATE,
        )
        for result in results
        for key, probe in sorted(result.probes.items())
        if probe.answer is not Answer.OK
    ]

"""What the chart repositories of a tree's HelmReleases offer, asked over the network: only where a user wants it."""

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

#: What one gets who asks a private repository without the cluster's Secrets: nothing went wrong.
_PRIVATE = (Answer.UNKNOWN, Answer.AUTHENTICATION, Answer.NOT_FOUND, Answer.EMPTY)


@dataclass
class _ChartQuery:
    """Sources that are one to ask, whatever they are called in each cluster: the first of them stands for all."""

    source: Resource
    names: set[str] = field(default_factory=set)
    refs: list[tuple[int, Ref]] = field(default_factory=list)
    """The cluster's index, and what the source is called there."""


def ask(snapshots: Sequence[Snapshot], reach: ProbeContext) -> tuple[list[Snapshot], list[Skipped]]:
    """Add to each cluster which charts and versions its repositories offer, and say which were not to be had.

    Every repository is asked once, without a login: the Secrets of a cluster are not in its repository. Raises nothing.
    """
    asked = _sources(snapshots)
    wanted = {ref: frozenset(one.names) for ref, one in asked.items()}
    registries = [
        o.source for o in asked.values() if o.source.kind != "HelmRepository" or flux.is_oci_helm_repository(o.source)
    ]
    indexed = [o.source for o in asked.values() if o.source not in registries]
    found_helm, found_oci = helm.collect(indexed, wanted, reach), oci.collect(registries, wanted, reach)
    answered = [
        replace(
            snapshot,
            charts=ChartIndexes(_mine(found_helm.indexes, asked, i)),
            oci=OciTags(_mine(found_oci.tags, asked, i), {}, _mine(found_oci.charts, asked, i)),
        )
        for i, snapshot in enumerate(snapshots)
    ]
    return answered, _unseen((found_helm, found_oci), asked)


def _sources(snapshots: Sequence[Snapshot]) -> dict[Ref, _ChartQuery]:
    """Return what to ask: the repositories that HelmReleases name, by a Ref that is one in all clusters."""
    found: dict[str, _ChartQuery] = {}
    for i, snapshot in enumerate(snapshots):
        for source, names in _named(snapshot.cluster):
            spec = source.get("spec")
            if values.is_open(spec):
                continue
            one = found.setdefault(
                json.dumps([source.kind, source.namespace, spec], sort_keys=True, default=str), _ChartQuery(source)
            )
            one.names |= names
            one.refs.append((i, source.ref))
    asked = {}
    for n, one in enumerate(found.values()):
        ref = one.source.ref._replace(name=f"{one.source.name}#{n}")
        asked[ref] = replace(one, source=replace(one.source, ref=ref))
    return asked


def _named(cluster: Cluster) -> list[tuple[Resource, frozenset[str]]]:
    charts = [
        (cluster.get(ref), names)
        for ref, names in charts_wanted(cluster).items()
        if ref.kind == "HelmRepository" and names
    ]
    artifacts = [(referred(release, cluster), frozenset[str]()) for release in cluster.all("HelmRelease")]
    return [(r, n) for r, n in charts if r is not None] + [
        (r, n) for r, n in artifacts if r and r.kind == "OCIRepository"
    ]


def _mine(found: Mapping[Ref, T], asked: Mapping[Ref, _ChartQuery], index: int) -> dict[Ref, T]:
    return {ref: learnt for key, learnt in found.items() for i, ref in asked[key].refs if i == index}


def _unseen(gathered: Sequence[SourceResults], asked: Mapping[Ref, _ChartQuery]) -> list[Skipped]:
    return [
        Skipped(
            "",
            asked[key].refs[0][1],
            f"{probe.target}: {probe.detail or probe.answer.value}",
            asked=probe.answer not in _PRIVATE,
        )
        for found in gathered
        for key, probe in sorted(found.probes.items())
        if probe.answer is not Answer.OK
    ]

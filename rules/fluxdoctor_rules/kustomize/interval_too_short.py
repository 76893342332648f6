"""Kustomizations that are reconciled more often than once a minute."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Cluster, Problem, interval

_SHORT, _QUICK = timedelta(seconds=30), timedelta(minutes=1)
_MANY = 50


def check(cluster: Cluster) -> Iterator[Problem]:
    """Report intervals below 30 seconds; with 50 or more objects, intervals of one minute or less."""
    running = cluster.active("HelmRelease", "Kustomization")
    quick = [k for k in running if interval(k) <= _QUICK and k.has("spec.interval")]
    for resource in quick:
        if interval(resource) < _SHORT or len(quick) >= _MANY:
            facts = {"every": resource.text("spec.interval"), "count": str(len(quick))}
            yield Problem(resource.ref, facts, field="spec.interval", shared="short")

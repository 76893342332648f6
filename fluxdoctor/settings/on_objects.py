"""Ignores on objects: the annotation ``fluxdoctor.dev/ignore``, with one ``rule[,rule]: reason`` per line."""

from __future__ import annotations

from collections.abc import Iterator

from fluxdoctor.model.cluster import Cluster
from fluxdoctor.settings.values import Ignore

NAME = "fluxdoctor.dev/ignore"
_PATH = ("metadata", "annotations", NAME)


def read(cluster: Cluster) -> Iterator[Ignore]:
    """Yield the ignores in the annotations of objects, by kind, namespace and name."""
    for resource in cluster:
        if text := resource.annotation(NAME):
            at = resource.at(_PATH)
            for line in text.splitlines():
                rules, _, reason = line.partition(":")
                for rule in (r.strip() for r in rules.split(",")):
                    if line.strip():
                        yield Ignore("annotation", rule, " ".join(reason.split()), at, subject=resource.ref)

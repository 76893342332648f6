"""An annotation that is to tell kustomize-controller something has a value that it does not know."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Graph, Manifests, Problem, Resource

_GROUP = "kustomize.toolkit.fluxcd.io"
#: kustomize-controller 1.9 compares without regard to case (fluxcd/pkg ssa), but for substitute (fluxcd/pkg kustomize).
_VALUES = {
    "ssa": ("Override", "Merge", "IfNotPresent", "Ignore"),
    "prune": ("disabled", "enabled"),
    "reconcile": ("disabled", "enabled"),
    "force": ("enabled", "disabled"),
    "substitute": ("disabled", "enabled"),
}
_SWITCHES = frozenset(f"{_GROUP}/{switch}" for switch in _VALUES)
_MEANT = {
    "false": "disabled",
    "no": "disabled",
    "off": "disabled",
    "true": "enabled",
    "yes": "enabled",
    "on": "enabled",
}
_EFFECT = {
    "ssa": "the object is overridden",
    "prune": "the object is pruned like any other",
    "reconcile": "the object is reconciled like any other",
    "force": "the object is not replaced",
    "substitute": "its variables are replaced",
}


def check(cluster: Cluster, graph: Graph, manifests: Manifests | None) -> Iterator[Problem]:
    """Read the switches of every object that was seen."""
    for resource in cluster:
        for part in ("annotations", "labels"):
            held = resource.get(f"metadata.{part}")
            if isinstance(held, dict) and not _SWITCHES.isdisjoint(held):
                yield from _wrong(resource, part, graph, manifests)


def _wrong(resource: Resource, part: str, graph: Graph, manifests: Manifests | None) -> Iterator[Problem]:
    for switch, known in _VALUES.items():
        path = ("metadata", part, f"{_GROUP}/{switch}")
        value = resource.text(path)
        exact = switch == "substitute"
        if not value or (value in known if exact else value.lower() in {k.lower() for k in known}):
            continue
        near = difflib.get_close_matches(value.lower(), [k.lower() for k in known], 1, 0.6)
        meant = _MEANT.get(value.lower(), "") or next((k for k in known if near and k.lower() == near[0]), "")
        # What is meant to be as it is anyway does no harm.
        if meant == ("disabled" if switch == "force" else "enabled"):
            continue
        declared = manifests.definition(resource.ref, graph.parent(resource)) if manifests else None
        facts = {
            "switch": f"{_GROUP}/{switch}",
            "value": value,
            "effect": _EFFECT[switch],
            "instead": meant or f"one of {', '.join(known)}",
        }
        location = declared.at(path) if declared else resource.at(path)
        yield Problem(resource.ref, facts, field=f"metadata.{part}", location=location, key=switch)

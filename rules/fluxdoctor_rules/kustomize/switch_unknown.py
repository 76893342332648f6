"""An annotation for kustomize-controller has a value that the controller does not recognize."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Graph, Manifests, Problem, Resource, nearest

_GROUP = "kustomize.toolkit.fluxcd.io"
#: kustomize-controller 1.9 ignores case (fluxcd/pkg ssa), except for substitute (fluxcd/pkg kustomize).
_VALUES = {
    "ssa": ("Override", "Merge", "IfNotPresent", "Ignore"),
    "prune": ("disabled", "enabled"),
    "reconcile": ("disabled", "enabled"),
    "force": ("enabled", "disabled"),
    "substitute": ("disabled", "enabled"),
}
_SWITCHES = frozenset(f"{_GROUP}/{switch}" for switch in _VALUES)
_SYNONYMS = {
    "false": "disabled",
    "no": "disabled",
    "off": "disabled",
    "true": "enabled",
    "yes": "enabled",
    "on": "enabled",
}
_EFFECT = {
    "ssa": "the object is still overridden",
    "prune": "the object is still pruned",
    "reconcile": "the object is still reconciled",
    "force": "the object is not replaced",
    "substitute": "its variables are still replaced",
}


def check(cluster: Cluster, graph: Graph, manifests: Manifests | None) -> Iterator[Problem]:
    """Check the Flux annotations and labels of every object."""
    for resource in cluster:
        for part in ("annotations", "labels"):
            entries = resource.get(f"metadata.{part}")
            if isinstance(entries, dict) and not _SWITCHES.isdisjoint(entries):
                yield from _wrong(resource, part, graph, manifests)


def _wrong(resource: Resource, part: str, graph: Graph, manifests: Manifests | None) -> Iterator[Problem]:
    for switch, values in _VALUES.items():
        path = ("metadata", part, f"{_GROUP}/{switch}")
        value = resource.text(path)
        lower = {v.lower(): v for v in values}
        is_valid = value in values if switch == "substitute" else value.lower() in lower
        if not value or is_valid:
            continue
        similar = (value.lower(), *nearest(value.lower(), lower))
        intended = _SYNONYMS.get(value.lower(), "") or next((lower[v] for v in similar if v in lower), "")
        # If the intended value is the default, the unknown value does no harm.
        if intended == ("disabled" if switch == "force" else "enabled"):
            continue
        declared = manifests.definition(resource.ref, graph.parent(resource)) if manifests else None
        facts = {
            "switch": f"{_GROUP}/{switch}",
            "value": value,
            "effect": _EFFECT[switch],
            "instead": intended or f"one of {', '.join(values)}",
        }
        location = declared.at(path) if declared else resource.at(path)
        yield Problem(resource.ref, facts, field=f"metadata.{part}", location=location, key=switch)

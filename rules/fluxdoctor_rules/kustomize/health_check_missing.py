"""A health check lists an object that does not exist."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem, Ref, condition, nearest, suggestion
from fluxdoctor_rules.kustomize import _apply_errors

_ITEM = re.compile(_apply_errors.OBJECT + r" status: 'NotFound'")


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Look up the entries of spec.healthChecks that a failed health check reports as NotFound."""
    for failure in failures.failed:
        ready = condition(failure.resource, "Ready")
        if failure.ref.kind != "Kustomization" or ready is None or failure.resource.has("spec.kubeConfig"):
            continue
        lacking = {_apply_errors.ref_of(m["object"]) for m in _ITEM.finditer(ready.message)}
        for need in graph.needs(failure.ref, Edge.HEALTH):
            if need.target in lacking and cluster.look(need.target).absent:
                hint = suggestion(map(str, _similar(cluster, need.target)))
                facts = {"object": str(need.target), "hint": hint}
                proof = Evidence(f"{need.field} names {need.target}", str(failure.ref))
                yield Problem(failure.ref, facts, evidence=(proof,), field=need.field, key=str(need.target))


def _similar(cluster: Cluster, target: Ref) -> Iterator[Ref]:
    """Yield similar objects: the name in another namespace, else a name that contains it, else similar names."""
    for resource in cluster.all(target.kind):
        if resource.name == target.name and resource.namespace != target.namespace:
            yield resource.ref
            return
    names = cluster.names(target.kind, target.namespace)
    longer = [n for n in names if target.name in n][:1]
    yield from (target._replace(name=n) for n in longer or nearest(target.name, names))

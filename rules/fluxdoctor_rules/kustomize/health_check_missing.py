"""A health check names an object that does not exist."""

import difflib
import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem, Ref, condition
from fluxdoctor_rules.kustomize import _said

_ITEM = re.compile(_said.OBJECT + r" status: 'NotFound'")


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Look up what a failed health check did not find, among the entries of spec.healthChecks."""
    for failure in failures.failed:
        ready = condition(failure.resource, "Ready")
        if failure.ref.kind != "Kustomization" or ready is None or failure.resource.has("spec.kubeConfig"):
            continue
        lacking = {_said.ref_of(m["object"]) for m in _ITEM.finditer(ready.message)}
        for need in graph.needs(failure.ref, Edge.HEALTH):
            if need.target in lacking and cluster.look(need.target).absent:
                near = _near(cluster, need.target)
                facts = {"object": str(need.target), "hint": f"; there is {near}" if near else ""}
                proof = Evidence(f"{need.field} names {need.target}", str(failure.ref))
                yield Problem(failure.ref, facts, evidence=(proof,), field=need.field, key=str(need.target))


def _near(cluster: Cluster, wanted: Ref) -> Ref | None:
    """Return the object that may be meant: the name in another namespace, or a name with something around it."""
    for resource in cluster.all(wanted.kind):
        if resource.name == wanted.name and resource.namespace != wanted.namespace:
            return resource.ref
    names = cluster.names(wanted.kind, wanted.namespace)
    around = [n for n in names if wanted.name in n] or difflib.get_close_matches(wanted.name, names, 1, 0.6)
    return Ref(wanted.kind, wanted.namespace, around[0]) if around else None

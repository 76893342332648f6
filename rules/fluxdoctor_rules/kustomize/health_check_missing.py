"""A health check lists an object that does not exist."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem, Unknown, condition, missing, suggestion
from fluxdoctor_rules.kustomize import _apply_errors

_ITEM = re.compile(_apply_errors.OBJECT + r" status: 'NotFound'")


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem | Unknown]:
    """Look up the entries of spec.healthChecks that a failed health check reports as NotFound."""
    for failure in failures.failed:
        ready = condition(failure.resource, "Ready")
        if failure.ref.kind != "Kustomization" or ready is None or failure.resource.has("spec.kubeConfig"):
            continue
        lacking = {_apply_errors.ref_of(m["object"]) for m in _ITEM.finditer(ready.message)}
        for need in graph.needs(failure.ref, Edge.HEALTH):
            lookup = cluster.look(need.target) if need.target in lacking else None
            if lookup and lookup.unknown:
                yield lookup.as_unknown(failure.ref)
            elif lookup and lookup.absent:
                result = missing.of(cluster, failure.resource, need)
                facts = {
                    "object": str(need.target),
                    "hint": result.hint if result.namespaces else _hint(cluster, result),
                }
                proof = Evidence.field(f"{need.field} refers to {need.target}", str(failure.ref))
                yield Problem(failure.ref, facts, evidence=(proof,), field=need.field, key=str(need.target))


def _hint(cluster: Cluster, result: missing.Missing) -> str:
    """Return the hint at a name that contains the missing one, as with namePrefix; else at similar names."""
    target = result.target
    longer = [n for n in cluster.names(target.kind, target.namespace) if target.name in n][:1]
    return suggestion(str(target._replace(name=n)) for n in longer) or result.hint

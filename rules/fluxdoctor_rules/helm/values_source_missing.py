"""A HelmRelease refers to a values ConfigMap or Secret that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown
from fluxdoctor_rules.helm import _references


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Report the objects of spec.valuesFrom that do not exist and are not optional."""
    for result in _references.missing_of(cluster, Edge.VALUES_FROM):
        if isinstance(result, Unknown):
            yield result
        else:
            target = result.target
            facts = {
                "kind": target.kind,
                "wanted": target.named,
                **_references.correction(result, f"an existing {target.kind}"),
            }
            yield result.problem(facts, key=result.reference.field)

"""A HelmRelease refers to a values ConfigMap or Secret that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, Reference, Unknown
from fluxdoctor_rules.helm._releases import active, complains, hint, templated


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Report the objects of spec.valuesFrom that do not exist and are not optional."""
    for release in active(cluster):
        for reference in graph.needs(release.ref, Edge.VALUES_FROM):
            target = reference.target
            lookup = cluster.look(target)
            if reference.optional or templated(target.name):
                continue
            if lookup.absent:
                yield _problem(cluster, release.ref, reference)
            elif lookup.unknown and complains(release, "values reference", "could not find"):
                yield Unknown(release.ref, lookup.why)


def _problem(cluster: Cluster, subject: Ref, reference: Reference) -> Problem:
    """Return the problem of a reference. An entry has no namespace field, so a fix never proposes another namespace."""
    target = reference.target
    existing = f"an existing {target.kind}"
    suggested = hint(cluster, target, existing)
    facts = {
        "kind": target.kind,
        "wanted": target.named,
        "hint": suggested.words,
        "field": f"{reference.field}.name",
        "value": existing if suggested.elsewhere else suggested.value,
    }
    return Problem(subject, facts, field=f"{reference.field}.name", missing=target, key=reference.field)

"""A HelmRelease takes values from a ConfigMap or Secret that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, Reference, Unknown
from fluxdoctor_rules.helm._releases import active, complains, hint, templated


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up what spec.valuesFrom names, but for what is optional."""
    for release in active(cluster):
        for reference in graph.needs(release.ref, Edge.VALUES_FROM):
            target = reference.target
            found = cluster.look(target)
            if reference.optional or templated(target.name):
                continue
            if found.absent:
                yield _problem(cluster, release.ref, reference)
            elif found.unknown and complains(release, "values reference", "could not find"):
                yield Unknown(release.ref, found.why)


def _problem(cluster: Cluster, subject: Ref, reference: Reference) -> Problem:
    """A valuesFrom cannot name a namespace: one elsewhere is told, and the name stays the field to change."""
    target = reference.target
    guess = hint(cluster, target, "one that exists")
    facts = {
        "kind": target.kind,
        "wanted": target.named,
        "hint": guess.words,
        "field": f"{reference.field}.name",
        "value": "one that exists" if guess.elsewhere else guess.value,
    }
    return Problem(subject, facts, field=f"{reference.field}.name", missing=target, key=reference.field)

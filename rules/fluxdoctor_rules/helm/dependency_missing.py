"""A HelmRelease depends on a HelmRelease that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, Reference, Unknown
from fluxdoctor_rules.helm._releases import active, complains, hint, templated


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up what spec.dependsOn names."""
    for release in active(cluster):
        for reference in graph.needs(release.ref, Edge.DEPENDS_ON):
            target = reference.target
            found = cluster.look(target)
            if found.absent and not templated(str(target)):
                yield _problem(cluster, release.ref, reference)
            elif found.unknown and complains(release, "dependency"):
                yield Unknown(release.ref, found.why)


def _problem(cluster: Cluster, subject: Ref, reference: Reference) -> Problem:
    target = reference.target
    guess = hint(cluster, target, "a HelmRelease that exists", subject)
    other = cluster.get(Ref("Kustomization", target.namespace, target.name))
    words = f"; {other.ref} has that name, but a HelmRelease depends on HelmReleases only" if other else ""
    field = f"{reference.field}.{'namespace' if guess.elsewhere else 'name'}"
    facts = {"wanted": target.named, "hint": guess.words or words, "field": field, "value": guess.value}
    return Problem(subject, facts, field=field, missing=target, key=reference.field)

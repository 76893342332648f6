"""A HelmRelease depends on a HelmRelease that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, Reference, Unknown
from fluxdoctor_rules.helm._releases import active, complains, hint, templated


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up the HelmReleases in spec.dependsOn."""
    for release in active(cluster):
        for reference in graph.needs(release.ref, Edge.DEPENDS_ON):
            target = reference.target
            dependency = cluster.look(target)
            if dependency.absent and not templated(str(target)):
                yield _problem(cluster, release.ref, reference)
            elif dependency.unknown and complains(release, "dependency"):
                yield Unknown(release.ref, dependency.why)


def _problem(cluster: Cluster, subject: Ref, reference: Reference) -> Problem:
    target = reference.target
    correction = hint(cluster, target, "a HelmRelease that exists", subject)
    other = cluster.get(Ref("Kustomization", target.namespace, target.name))
    words = f"; {other.ref} exists, but a HelmRelease can only depend on HelmReleases" if other else ""
    field = f"{reference.field}.{'namespace' if correction.elsewhere else 'name'}"
    facts = {"wanted": target.named, "hint": correction.words or words, "field": field, "value": correction.value}
    return Problem(subject, facts, field=field, missing=target, key=reference.field)

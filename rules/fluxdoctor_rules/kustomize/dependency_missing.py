"""A Kustomization depends on a Kustomization that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up every dependency; its namespace is by default that of the Kustomization."""
    for result in missing.references(cluster, ("Kustomization",), Edge.DEPENDS_ON, also=("HelmRelease",)):
        yield result if isinstance(result, Unknown) else _problem(result)


def _problem(result: missing.Missing) -> Problem:
    target = result.target
    facts = {"namespace": target.namespace, "name": target.name, "hint": result.hint}
    if result.namesakes and not result.namespaces:
        release = result.namesakes[0]
        facts["hint"] = (
            f"; {release} exists, but a Kustomization cannot depend on it: use the Kustomization that applies it"
        )
    return result.problem(facts, key=target.named)

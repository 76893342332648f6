"""A HelmRelease depends on a HelmRelease that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing
from fluxdoctor_rules.helm import _references


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the HelmReleases in spec.dependsOn."""
    for result in _references.missing_of(cluster, Edge.DEPENDS_ON, also=("Kustomization",)):
        yield result if isinstance(result, Unknown) else _problem(result)


def _problem(result: missing.Missing) -> Problem:
    correction = _references.correction(result, "a HelmRelease that exists")
    facts = {"wanted": result.target.named, "hint": result.hint, **correction}
    if result.namesakes and not result.namespaces:
        facts["hint"] = f"; {result.namesakes[0]} exists, but a HelmRelease can only depend on HelmReleases"
    return result.problem(facts, field=correction["field"], key=result.reference.field)

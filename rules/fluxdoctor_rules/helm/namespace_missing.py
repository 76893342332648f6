"""A HelmRelease installs into, or stores its release in, a namespace that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Resource, State, Unknown, state
from fluxdoctor_rules.helm import _references


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Report missing namespaces of releases that are not Ready: Helm does not look up those of an installed release."""
    for result in _references.missing_of(cluster, Edge.TARGET_NAMESPACE, only=_is_affected):
        if isinstance(result, Unknown):
            yield result
        else:
            yield result.problem({"wanted": result.target.name}, field=result.reference.field)


def _is_affected(release: Resource) -> bool:
    return state(release) is not State.READY and not release.has("spec.kubeConfig")

"""A HelmRelease impersonates a ServiceAccount that does not exist."""

from collections.abc import Iterator
from functools import partial

from fluxdoctor import Cluster, Edge, Failures, Problem, Resource, State, Unknown, missing, state
from fluxdoctor_rules.helm import _references


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem | Unknown]:
    """Report missing accounts of releases that are new, or whose error mentions the account.

    RBAC can grant permissions to an account that does not exist, so other releases can work without it.
    """
    only = partial(_is_affected, failures=failures)
    for result in _references.missing_of(cluster, Edge.SERVICE_ACCOUNT, only=only, unknown=missing.always):
        if isinstance(result, Unknown):
            yield result
        else:
            yield result.problem({"wanted": str(result.target)}, field=result.reference.field)


def _is_affected(release: Resource, failures: Failures) -> bool:
    failure = failures.of(release.ref)
    user = f"system:serviceaccount:{release.namespace}:{release.text('spec.serviceAccountName')}"
    is_denied = failure is not None and any(user in w.message for w in failure.words)
    return not release.has("spec.kubeConfig") and (is_denied or state(release) is State.NEW)

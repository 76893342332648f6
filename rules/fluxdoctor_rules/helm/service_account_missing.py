"""A HelmRelease impersonates a ServiceAccount that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Failures, Graph, Problem, Ref, Resource, State, Unknown, state
from fluxdoctor_rules.helm._releases import active, hint, templated


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem | Unknown]:
    """Report missing accounts of releases that are new, or whose error mentions the account.

    RBAC can grant permissions to an account that does not exist, so other releases can work without it.
    """
    for release in active(cluster):
        for reference in graph.needs(release.ref, Edge.SERVICE_ACCOUNT):
            account = reference.target
            if (
                release.has("spec.kubeConfig")
                or templated(account.name)
                or not _is_affected(release, account, failures)
            ):
                continue
            lookup = cluster.look(account)
            if lookup.absent:
                facts = {"wanted": str(account), "hint": hint(cluster, account, "").words}
                yield Problem(release.ref, facts, field=reference.field, missing=account)
            elif lookup.unknown:
                yield Unknown(release.ref, lookup.why)


def _is_affected(release: Resource, account: Ref, failures: Failures) -> bool:
    failure = failures.of(release.ref)
    user = f"system:serviceaccount:{account.namespace}:{account.name}"
    is_denied = failure is not None and any(user in w.message for w in failure.words)
    return is_denied or state(release) is State.NEW

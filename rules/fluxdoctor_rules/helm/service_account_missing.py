"""A HelmRelease acts as a ServiceAccount that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Failures, Graph, Problem, Ref, Resource, State, Unknown, state
from fluxdoctor_rules.helm._releases import active, hint, templated


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem | Unknown]:
    """RBAC may grant rights to an account that is not there: judge only what is refused, or has not begun."""
    for release in active(cluster):
        for reference in graph.needs(release.ref, Edge.SERVICE_ACCOUNT):
            account = reference.target
            if release.has("spec.kubeConfig") or templated(account.name) or not _refused(release, account, failures):
                continue
            found = cluster.look(account)
            if found.absent:
                facts = {"wanted": account.named, "hint": hint(cluster, account, "").words}
                yield Problem(release.ref, facts, field=reference.field, missing=account)
            elif found.unknown:
                yield Unknown(release.ref, found.why)


def _refused(release: Resource, account: Ref, failures: Failures) -> bool:
    failure = failures.of(release.ref)
    user = f"system:serviceaccount:{account.namespace}:{account.name}"
    said = failure is not None and any(user in w.message for w in failure.words)
    return said or state(release) is State.NEW

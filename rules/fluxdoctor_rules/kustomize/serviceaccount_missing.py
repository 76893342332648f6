"""A Kustomization applies with a service account that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem, Ref, Unknown
from fluxdoctor_rules.kustomize import _accounts


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem | Unknown]:
    """Flux does not look whether the account is there: Kubernetes answers that the user has no rights."""
    for kustomization in cluster.all("Kustomization"):
        name = kustomization.text("spec.serviceAccountName")
        failure = failures.of(kustomization.ref)
        said = " ".join(w.message for w in failure.words) if failure else ""
        refused = _accounts.CANNOT.search(" ".join(said.split()))
        if not name or not (refused or f'serviceaccount "{name}" not found' in said or "impersonate" in said):
            continue
        account = Ref("ServiceAccount", kustomization.namespace, name)
        found = cluster.look(account)
        if found.unknown:
            yield Unknown(kustomization.ref, found.why)
        elif found.absent:
            near = difflib.get_close_matches(name, cluster.names("ServiceAccount", account.namespace), 2, 0.6)
            facts = {
                "account": account.named,
                "near": f"; the nearest names are {', '.join(near)}" if near else "",
            }
            yield Problem(kustomization.ref, facts, field="spec.serviceAccountName", missing=account)

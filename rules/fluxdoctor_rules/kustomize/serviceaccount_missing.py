"""A Kustomization applies with a service account that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem, Ref, Unknown, did_you_mean
from fluxdoctor_rules.kustomize import _accounts


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem | Unknown]:
    """Check the accounts of Kustomizations that are denied access: Flux does not check that an account exists."""
    for kustomization in cluster.all("Kustomization"):
        name = kustomization.text("spec.serviceAccountName")
        failure = failures.of(kustomization.ref)
        message = " ".join(w.message for w in failure.words) if failure else ""
        denial = _accounts.CANNOT.search(" ".join(message.split()))
        if not name or not (denial or f'serviceaccount "{name}" not found' in message or "impersonate" in message):
            continue
        account = Ref("ServiceAccount", kustomization.namespace, name)
        lookup = cluster.look(account)
        if lookup.unknown:
            yield Unknown(kustomization.ref, lookup.why)
        elif lookup.absent:
            names = cluster.names("ServiceAccount", account.namespace)
            facts = {"account": account.named, "near": did_you_mean(name, names)}
            yield Problem(kustomization.ref, facts, field="spec.serviceAccountName", missing=account)

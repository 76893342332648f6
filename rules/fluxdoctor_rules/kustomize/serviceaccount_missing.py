"""A Kustomization applies with a service account that does not exist."""

from collections.abc import Iterator
from functools import partial

from fluxdoctor import Cluster, Edge, Failures, Problem, Resource, Unknown, missing
from fluxdoctor_rules.kustomize import _accounts

_FIELD = "spec.serviceAccountName"


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem | Unknown]:
    """Check the accounts of Kustomizations that are denied access: Flux does not check that an account exists."""
    only = partial(_is_denied, failures=failures)
    for result in missing.references(cluster, ("Kustomization",), Edge.SERVICE_ACCOUNT, only=only):
        if isinstance(result, Unknown):
            yield result
        elif result.reference.field == _FIELD:
            yield result.problem({"account": result.target.named}, field=_FIELD)


def _is_denied(kustomization: Resource, failures: Failures) -> bool:
    failure = failures.of(kustomization.ref)
    message = " ".join(" ".join(w.message for w in failure.words).split()) if failure else ""
    is_named = f'serviceaccount "{kustomization.text(_FIELD)}" not found' in message
    return is_named or "impersonate" in message or bool(_accounts.CANNOT.search(message))

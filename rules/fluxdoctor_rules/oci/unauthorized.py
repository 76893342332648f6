"""A registry refuses the credentials of an OCIRepository, or asks for some where there are none."""

from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem, Resource

from ._registry import REFUSED, host


def check(failures: Failures) -> Iterator[Problem]:
    """Say what is refused; repositories on one registry with one Secret, or with none, are one finding."""
    for failure in failures.failed:
        repository = failure.resource
        if repository.kind == "OCIRepository" and REFUSED.search(failure.message):
            refused, remedy, shared = _refused(repository)
            facts = {"refused": refused, "remedy": remedy}
            how = Confidence.REPORTED
            yield Problem(repository.ref, facts, field="spec.secretRef", shared=shared, confidence=how)


def _refused(repository: Resource) -> tuple[str, str, str]:
    registry, provider = host(repository), repository.text("spec.provider", "generic")
    if name := repository.text("spec.secretRef.name"):
        secret = f"Secret {repository.namespace}/{name}"
        refused = f"{registry} refuses the credentials in {secret}, or has no such repository for them"
        remedy = f"put credentials into {secret} that may pull {repository.text('spec.url')} (flux create secret oci)."
        return refused, remedy, f"{registry} {secret}"
    if provider != "generic":
        refused = f"{registry} refuses what provider {provider} logs in with"
        return refused, f"let the identity that spec.provider {provider} uses pull from {registry}.", refused
    if account := repository.text("spec.serviceAccountName"):
        refused = f"{registry} refuses the image pull secrets of ServiceAccount {repository.namespace}/{account}"
        return refused, f"give ServiceAccount {account} an image pull secret for {registry}.", refused
    refused = f"{registry} asks for credentials, and spec.secretRef is not set"
    remedy = "name a Secret in spec.secretRef (flux create secret oci), set spec.provider, or make the package public."
    return refused, remedy, refused

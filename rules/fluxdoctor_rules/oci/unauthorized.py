"""A registry denies access to an OCIRepository: its credentials are invalid or missing."""

from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem, Ref, Resource
from fluxdoctor_rules.oci._registry import DENIED, host
from fluxdoctor_rules.shared import secret_commands


def check(failures: Failures) -> Iterator[Problem]:
    """Report the access that is denied; one finding for each registry and Secret (or none)."""
    for failure in failures.failed:
        repository = failure.resource
        if repository.kind == "OCIRepository" and DENIED.search(failure.message):
            denial, remedy, shared = _denial(repository)
            facts = {"refused": denial, "remedy": remedy}
            yield Problem(repository.ref, facts, field="spec.secretRef", shared=shared, confidence=Confidence.REPORTED)


def _denial(repository: Resource) -> tuple[str, str, str]:
    """Return the message, the fix, and the text that findings with one cause share."""
    registry, provider = host(repository), repository.text("spec.provider", "generic")
    if name := repository.text("spec.secretRef.name"):
        secret = Ref("Secret", repository.namespace, name)
        denial = f"{registry} denies access with the credentials in {secret}, or the repository does not exist"
        url = repository.text("spec.url")
        command = secret_commands.oci(secret, registry)
        remedy = f"set credentials in {secret} that are allowed to pull {url}. Run: {command}."
        return denial, remedy, f"{registry} {secret}"
    if provider != "generic":
        denial = f"{registry} denies access to the identity of provider {provider}"
        return denial, f"grant the identity of spec.provider {provider} pull access to {registry}.", denial
    if name := repository.text("spec.serviceAccountName"):
        account = Ref("ServiceAccount", repository.namespace, name)
        denial = f"{registry} denies access with the image pull secrets of {account}"
        return denial, f"add an image pull secret for {registry} to {account}.", denial
    denial = f"{registry} requires credentials, but spec.secretRef is not set"
    secret = secret_commands.secret_ref(repository, "oci")
    remedy = (
        f"set spec.secretRef to {secret}, set spec.provider, or make the package public. "
        f"To create the Secret, run: {secret_commands.oci(secret, registry)}."
    )
    return denial, remedy, denial

"""A git host refuses the credentials of a GitRepository, or asks for some where there are none."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Resource

from ._git import REFUSED, host
from ._said import saying
from ._secrets import held, referred


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Say which Secret is refused; repositories that share it, or that have none on one host, are one finding."""
    for repository, found in saying(failures, REFUSED, "GitRepository"):
        ssh = "unable to authenticate" in found[0]
        refused, remedy = _ssh(repository) if ssh else _https(repository, cluster)
        name = repository.text("spec.secretRef.name")
        yield Problem(
            repository.ref,
            {"refused": refused, "remedy": remedy},
            field="spec.secretRef",
            shared=f"{repository.namespace}/{name} {refused}" if name else refused,
            confidence=Confidence.REPORTED,
        )


def _ssh(repository: Resource) -> tuple[str, str]:
    secret = f"Secret {repository.namespace}/{repository.text('spec.secretRef.name')}"
    remedy = f"register identity.pub of {secret} as a deploy key of the repository, or put a registered key into it."
    return f"{host(repository)} does not accept the ssh key in {secret}", remedy


def _https(repository: Resource, cluster: Cluster) -> tuple[str, str]:
    name, found = host(repository), referred(cluster, repository)
    provider = repository.text("spec.provider")
    if provider not in ("", "generic"):
        return f"{name} refuses what provider {provider} logs in with", (
            f"give the identity or app that spec.provider {provider} uses read access to the repository."
        )
    if found is None:
        return f"{name} asks for credentials, and spec.secretRef is not set", (
            "create a Secret with username and password (flux create secret git) and name it in spec.secretRef."
        )
    secret = f"Secret {repository.namespace}/{repository.text('spec.secretRef.name')}"
    keys = f" ({held(found.resource)})" if found.resource else ""
    return f"{name} refuses the credentials in {secret}{keys}", (
        f"put a valid token that may read the repository into {secret}, then: "
        f"flux -n {repository.namespace} reconcile source git {repository.name}"
    )

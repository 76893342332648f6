"""A git host that rejects the credentials of a GitRepository, or requires credentials that are not set."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Resource
from fluxdoctor_rules.shared import secret_commands
from fluxdoctor_rules.source._git import REFUSED, host
from fluxdoctor_rules.source._messages import failing_with
from fluxdoctor_rules.source._secrets import key_list, secret_of


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Name the rejected Secret; repositories with the same Secret, or without one on the same host, are one finding."""
    for repository, match in failing_with(failures, REFUSED, "GitRepository"):
        is_ssh = "unable to authenticate" in match[0]
        refused, remedy = _ssh(repository) if is_ssh else _https(repository, cluster)
        name = repository.text("spec.secretRef.name")
        yield Problem(
            repository.ref,
            {"refused": refused, "remedy": remedy},
            field="spec.secretRef",
            shared=f"{repository.namespace}/{name} {refused}" if name else refused,
            confidence=Confidence.REPORTED,
        )


def _ssh(repository: Resource) -> tuple[str, str]:
    secret = f"Secret/{repository.namespace}/{repository.text('spec.secretRef.name')}"
    return f"{host(repository)} does not accept the ssh key in {secret}", (
        f"either add identity.pub of {secret} as a deploy key of the repository, or set a registered key in {secret}."
    )


def _https(repository: Resource, cluster: Cluster) -> tuple[str, str]:
    """Return what the host rejects, and the remedy."""
    name, lookup = host(repository), secret_of(cluster, repository)
    provider = repository.text("spec.provider")
    if provider not in ("", "generic"):
        return f"{name} rejects the credentials of spec.provider {provider}", (
            f"add read access to the repository for the identity or app that spec.provider {provider} uses."
        )
    if lookup is None:
        new = secret_commands.secret_ref(repository, "git")
        return f"{name} requires credentials, but spec.secretRef is not set", (
            f"create {new} with username and password, and set its name in spec.secretRef. "
            f"Run: {secret_commands.git(new, repository.text('spec.url'))}."
        )
    secret = f"Secret/{repository.namespace}/{repository.text('spec.secretRef.name')}"
    keys = f" ({key_list(lookup.resource)})" if lookup.resource else ""
    return f"{name} rejects the credentials in {secret}{keys}", (
        f"set a valid token with read access to the repository in {secret}."
    )

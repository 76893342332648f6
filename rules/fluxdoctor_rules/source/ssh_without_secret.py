"""A GitRepository with an ssh URL but without a Secret."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem
from fluxdoctor_rules.shared import secret_commands


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find ssh URLs without spec.secretRef: ssh always requires identity and known_hosts."""
    for repository in cluster.active("GitRepository"):
        url = repository.text("spec.url")
        if (
            url.startswith("ssh://")
            and not repository.text("spec.secretRef.name")
            and repository.text("spec.provider", "generic") == "generic"
        ):
            secret = secret_commands.secret_ref(repository, "git")
            facts = {"url": url, "secret": str(secret), "creation": secret_commands.git(secret, url)}
            yield Problem(repository.ref, facts, field="spec.secretRef")

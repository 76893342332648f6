"""A GitRepository with an ssh URL but without a Secret."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, state


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find ssh URLs without spec.secretRef: ssh always requires identity and known_hosts."""
    for repository in cluster.all("GitRepository"):
        url = repository.text("spec.url")
        if (
            url.startswith("ssh://")
            and not repository.text("spec.secretRef.name")
            and repository.text("spec.provider", "generic") == "generic"
            and state(repository) is not State.SUSPENDED
        ):
            yield Problem(repository.ref, {"url": url}, field="spec.secretRef")

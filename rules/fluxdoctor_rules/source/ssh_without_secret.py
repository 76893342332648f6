"""A GitRepository with an ssh URL but without a Secret."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find ssh URLs without spec.secretRef: ssh always requires identity and known_hosts."""
    for repository in cluster.active("GitRepository"):
        url = repository.text("spec.url")
        if (
            url.startswith("ssh://")
            and not repository.text("spec.secretRef.name")
            and repository.text("spec.provider", "generic") == "generic"
        ):
            yield Problem(repository.ref, {"url": url}, field="spec.secretRef")

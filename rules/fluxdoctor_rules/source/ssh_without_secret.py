"""A GitRepository has an ssh URL and no Secret."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, state


def check(cluster: Cluster) -> Iterator[Problem]:
    """Ssh always needs identity and known_hosts, so every fetch fails."""
    for repository in cluster.all("GitRepository"):
        url = repository.text("spec.url")
        if (
            url.startswith("ssh://")
            and not repository.text("spec.secretRef.name")
            and repository.text("spec.provider", "generic") == "generic"
            and state(repository) is not State.SUSPENDED
        ):
            yield Problem(repository.ref, {"url": url}, field="spec.secretRef")

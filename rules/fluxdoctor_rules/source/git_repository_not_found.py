"""A git host says that there is no such repository."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Resource, State, state

from ._git import NOT_FOUND, host
from ._said import saying


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Say whether the credentials are known to be good: another repository on the host is read with them."""
    for repository, _ in saying(failures, NOT_FOUND, "GitRepository"):
        url = repository.text("spec.url")
        good = [r for r in cluster.all("GitRepository") if r.ref != repository.ref and _reads_alike(r, repository)]
        name = repository.text("spec.secretRef.name")
        if good:
            how = f"with Secret {name}" if name else "without credentials"
            hint = f"; {good[0].ref} is read from that host {how}, so look at the path"
        elif name:
            hint = f", or Secret {repository.namespace}/{name} may not read it"
        else:
            hint = ", or is private: spec.secretRef is not set"
        facts = {"url": url, "hint": hint}
        yield Problem(repository.ref, facts, field="spec.url", confidence=Confidence.REPORTED)


def _reads_alike(other: Resource, repository: Resource) -> bool:
    """The other one is Ready, on the same host, with the same Secret or none."""
    return state(other) is State.READY and _access(other) == _access(repository)


def _access(repository: Resource) -> tuple[str, str, str]:
    secret = repository.text("spec.secretRef.name")
    return host(repository), secret and repository.namespace, secret

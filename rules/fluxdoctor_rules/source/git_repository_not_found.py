"""A git host that answers that a repository does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Resource, State, state
from fluxdoctor_rules.source._git import NOT_FOUND, host
from fluxdoctor_rules.source._messages import failing_with


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Report whether the credentials are valid: whether another repository on the host is read with them."""
    for repository, _ in failing_with(failures, NOT_FOUND, "GitRepository"):
        url = repository.text("spec.url")
        readable = [r for r in cluster.all("GitRepository") if r.ref != repository.ref and _is_readable(r, repository)]
        name = repository.text("spec.secretRef.name")
        if readable:
            access = f"with Secret/{repository.namespace}/{name}" if name else "without credentials"
            hint = f"; check the path, because Flux can read {readable[0].ref} from the same host {access}"
        elif name:
            hint = f", or Secret/{repository.namespace}/{name} has no access to it"
        else:
            hint = ", or is private and spec.secretRef is not set"
        facts = {"url": url, "hint": hint}
        yield Problem(repository.ref, facts, field="spec.url", confidence=Confidence.REPORTED)


def _is_readable(other: Resource, repository: Resource) -> bool:
    """Tell whether the other repository is Ready, on the same host, with the same Secret or none."""
    return state(other) is State.READY and _access(other) == _access(repository)


def _access(repository: Resource) -> tuple[str, str, str]:
    secret = repository.text("spec.secretRef.name")
    return host(repository), secret and repository.namespace, secret

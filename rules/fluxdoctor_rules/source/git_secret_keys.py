"""The Secret of a GitRepository has not the keys that the scheme of its URL needs."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem, Resource, State, Unknown, state

from ._git import NOT_FOUND, REFUSED
from ._said import saying
from ._secrets import any_filled, filled, held, referred


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem | Unknown]:
    """Compare key names with the scheme: ssh fails for sure without its keys, https where the host refuses."""
    refused = {r.ref for pattern in (REFUSED, NOT_FOUND) for r, _ in saying(failures, pattern, "GitRepository")}
    for repository in cluster.all("GitRepository"):
        found = referred(cluster, repository)
        if found is None or state(repository) is State.SUSPENDED or _logs_in_otherwise(repository):
            continue
        if found.unknown and repository.ref in refused:
            yield Unknown(repository.ref, found.why)
        if found.resource and (needed := _lacking(repository, found.resource, repository.ref in refused)):
            yield _problem(repository, found.resource, needed)


def _logs_in_otherwise(repository: Resource) -> bool:
    return repository.text("spec.provider", "generic") != "generic"


def _scheme(repository: Resource) -> str:
    return repository.text("spec.url").partition("://")[0]


def _lacking(repository: Resource, secret: Resource, refused: bool) -> str:
    if _scheme(repository) == "ssh":
        return " and ".join(key for key in ("identity", "known_hosts") if not filled(secret, key))
    if secret.has(("keys", "bearerToken")) or any_filled(secret, "githubAppID"):
        return ""
    has_user = filled(secret, "username") or "@" in repository.text("spec.url").partition("://")[2].partition("/")[0]
    if filled(secret, "password"):
        return "" if has_user else "username"
    # Without a password a public repository is still read: only a refusal makes the missing keys a fault.
    if not refused:
        return ""
    return "password" if filled(secret, "username") else "username and password"


def _problem(repository: Resource, secret: Resource, needed: str) -> Problem:
    facts = {
        "secret": secret.ref.named,
        "needed": needed,
        "scheme": _scheme(repository),
        "held": f"; {held(secret)}",
    }
    return Problem(repository.ref, facts, field="spec.secretRef", shared=f"{secret.ref} {needed}")

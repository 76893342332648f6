"""A GitRepository whose Secret does not have the keys that the scheme of its URL requires."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem, Resource, Unknown
from fluxdoctor_rules.shared import secret_commands
from fluxdoctor_rules.source._git import NOT_FOUND, REFUSED
from fluxdoctor_rules.source._messages import failing_with
from fluxdoctor_rules.source._secrets import has_any_value, has_value, key_list, secret_of


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem | Unknown]:
    """Compare the keys with the scheme: ssh always fails without its keys, https only if the host rejects the request."""
    refused = {r.ref for pattern in (REFUSED, NOT_FOUND) for r, _ in failing_with(failures, pattern, "GitRepository")}
    for repository in cluster.active("GitRepository"):
        lookup = secret_of(cluster, repository)
        if lookup is None or _uses_provider(repository):
            continue
        is_refused = repository.ref in refused
        if lookup.unknown and is_refused:
            yield lookup.as_unknown(repository.ref)
        if lookup.resource and (needed := _missing_keys(repository, lookup.resource, is_refused)):
            yield _problem(repository, lookup.resource, needed)


def _uses_provider(repository: Resource) -> bool:
    return repository.text("spec.provider", "generic") != "generic"


def _scheme(repository: Resource) -> str:
    return repository.text("spec.url").partition("://")[0]


def _missing_keys(repository: Resource, secret: Resource, is_refused: bool) -> str:
    if _scheme(repository) == "ssh":
        return " and ".join(key for key in ("identity", "known_hosts") if not has_value(secret, key))
    if secret.has(("keys", "bearerToken")) or has_any_value(secret, "githubAppID"):
        return ""
    has_user = has_value(secret, "username") or "@" in repository.text("spec.url").partition("://")[2].partition("/")[0]
    if has_value(secret, "password"):
        return "" if has_user else "username"
    # A public repository can be read without a password: the missing keys matter only if the host rejects the request.
    if not is_refused:
        return ""
    return "password" if has_value(secret, "username") else "username and password"


def _problem(repository: Resource, secret: Resource, needed: str) -> Problem:
    facts = {
        "secret": secret.name,
        "needed": needed,
        "scheme": _scheme(repository),
        "creation": f" Run: {secret_commands.git(secret.ref, repository.text('spec.url'))}.",
        "held": f"; {key_list(secret)}",
    }
    return Problem(repository.ref, facts, field="spec.secretRef", shared=f"{secret.ref} {needed}")

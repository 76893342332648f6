"""The Secret of a HelmRepository has only one of username and password, or neither where they are asked for."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem, Resource, State, state

from ._said import saying
from ._secrets import filled, held, referred

_REFUSED = re.compile(r"failed to fetch \S+ : (?:401|403) ")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """One without the other fails for sure; neither only where the repository asks for credentials."""
    refused = {resource.ref for resource, _ in saying(failures, _REFUSED, "HelmRepository")}
    for repository in cluster.all("HelmRepository"):
        found = referred(cluster, repository)
        secret = found.resource if found else None
        if secret is None or repository.text("spec.type") == "oci" or state(repository) is State.SUSPENDED:
            continue
        missing = [key for key in ("username", "password") if not _there(secret, key, repository.ref in refused)]
        if len(missing) == 1 or (missing and repository.ref in refused):
            facts = {"secret": secret.ref.named, "missing": " and ".join(missing), "held": f"; {held(secret)}"}
            yield Problem(repository.ref, facts, field="spec.secretRef", shared=str(secret.ref))


def _there(secret: Resource, key: str, refused: bool) -> bool:
    """An empty value counts as one, but for a repository that refuses it."""
    return filled(secret, key) if refused else secret.has(("keys", key))

"""A HelmRepository whose Secret lacks username or password, or both if the repository requires credentials."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem, Resource
from fluxdoctor_rules.source._messages import failing_with
from fluxdoctor_rules.source._secrets import has_value, key_list, secret_of

_REFUSED = re.compile(r"failed to fetch \S+ : (?:401|403) ")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Check the keys: one without the other always fails; without both, only a repository that requires credentials."""
    refused = {resource.ref for resource, _ in failing_with(failures, _REFUSED, "HelmRepository")}
    for repository in cluster.active("HelmRepository"):
        lookup = secret_of(cluster, repository)
        secret = lookup.resource if lookup else None
        if secret is None or repository.text("spec.type") == "oci":
            continue
        is_refused = repository.ref in refused
        missing = [key for key in ("username", "password") if not _has_key(secret, key, is_refused)]
        if len(missing) == 1 or (missing and is_refused):
            facts = {"secret": secret.ref.named, "missing": " and ".join(missing), "held": f"; {key_list(secret)}"}
            yield Problem(repository.ref, facts, field="spec.secretRef", shared=str(secret.ref))


def _has_key(secret: Resource, key: str, is_refused: bool) -> bool:
    """Tell whether the Secret has the key; an empty value counts unless the repository rejects the credentials."""
    return has_value(secret, key) if is_refused else secret.has(("keys", key))

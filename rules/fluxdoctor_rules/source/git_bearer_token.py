"""A bearer token for a provider that requires tokens as passwords."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem
from fluxdoctor_rules.source._git import NOT_FOUND, REFUSED, host
from fluxdoctor_rules.source._messages import failing_with
from fluxdoctor_rules.source._secrets import has_value, secret_of

_BASIC_ONLY = ("github.com", "gitlab.com", "bitbucket.org")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Find rejected repositories whose Secret has bearerToken and whose host requires basic authentication."""
    for pattern in (REFUSED, NOT_FOUND):
        for repository, _ in failing_with(failures, pattern, "GitRepository"):
            lookup = secret_of(cluster, repository)
            secret = lookup.resource if lookup else None
            if secret and host(repository) in _BASIC_ONLY and has_value(secret, "bearerToken"):
                facts = {"host": host(repository), "secret": secret.ref.named}
                yield Problem(repository.ref, facts, field="spec.secretRef", shared=secret.ref.named)

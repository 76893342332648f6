"""A bearer token is sent to a provider that takes tokens as passwords."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem

from ._git import NOT_FOUND, REFUSED, host
from ._said import saying
from ._secrets import filled, referred

_BASIC_ONLY = ("github.com", "gitlab.com", "bitbucket.org")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """The key bearerToken is there, the host wants basic authentication, and it refused."""
    for pattern in (REFUSED, NOT_FOUND):
        for repository, _ in saying(failures, pattern, "GitRepository"):
            found = referred(cluster, repository)
            known = host(repository) in _BASIC_ONLY
            if known and found and found.resource and filled(found.resource, "bearerToken"):
                secret = found.resource.ref.named
                yield Problem(
                    repository.ref, {"host": host(repository), "secret": secret}, field="spec.secretRef", shared=secret
                )

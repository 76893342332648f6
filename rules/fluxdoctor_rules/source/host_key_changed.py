"""The host key of a git server is not the one in known_hosts."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem
from fluxdoctor_rules.source._git import host, key_scan
from fluxdoctor_rules.source._messages import failing_with

_MESSAGE = re.compile("knownhosts: key mismatch")


def check(failures: Failures) -> Iterator[Problem]:
    """Name the server and the command that prints its keys."""
    for repository, _ in failing_with(failures, _MESSAGE, "GitRepository"):
        secret, address = repository.text("spec.secretRef.name"), host(repository)
        yield Problem(
            repository.ref,
            {"host": address, "secret": secret, "scan": f" To print the keys, run: {key_scan(repository)}."},
            field="spec.secretRef",
            shared=f"{address} {repository.namespace}/{secret}",
            confidence=Confidence.REPORTED,
        )

"""The known_hosts of a GitRepository's Secret have no entry for its host."""

import fnmatch
import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem

from ._git import host
from ._said import saying
from ._secrets import referred

_SAID = re.compile(r"knownhosts: key is unknown|hostkey could not be verified")
_ENTRIES = ("keys", "known_hosts", "hosts")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Compare the host with the entries that are not hashed."""
    for repository, _ in saying(failures, _SAID, "GitRepository"):
        found = referred(cluster, repository)
        secret = found.resource if found else None
        address = host(repository)
        name, _, port = address.partition(":")
        entry = f"[{name}]:{port}" if port not in ("", "22") else name
        hosts = secret.strings(_ENTRIES) if secret else ()
        hashed = secret.number(("keys", "known_hosts", "hashed")) if secret else 0
        proven = (
            bool(hosts) and not hashed and not any(fnmatch.fnmatchcase(h, p) for p in hosts for h in (entry, address))
        )
        facts = {
            "secret": f"{repository.namespace}/{repository.text('spec.secretRef.name')}",
            "entry": entry,
            "scan": f"-p {port} {name}" if port else name,
            "held": f"; there are entries for {', '.join(hosts)}" if hosts else "",
        }
        how = Confidence.PROVEN if proven else Confidence.REPORTED
        yield Problem(
            repository.ref, facts, field="spec.secretRef", shared=f"{facts['secret']} {entry}", confidence=how
        )

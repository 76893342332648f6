"""A GitRepository whose Secret has no entry for the git host in known_hosts."""

import fnmatch
import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem
from fluxdoctor_rules.source._git import host, key_scan
from fluxdoctor_rules.source._messages import failing_with
from fluxdoctor_rules.source._secrets import secret_of

_MESSAGE = re.compile(r"knownhosts: key is unknown|hostkey could not be verified")
_ENTRIES = ("keys", "known_hosts", "hosts")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Compare the host with the entries; hashed entries cannot be compared."""
    for repository, _ in failing_with(failures, _MESSAGE, "GitRepository"):
        lookup = secret_of(cluster, repository)
        secret = lookup.resource if lookup else None
        secret_name = repository.text("spec.secretRef.name")
        address = host(repository)
        name, _, port = address.partition(":")
        entry = f"[{name}]:{port}" if port not in ("", "22") else name
        patterns = secret.strings(_ENTRIES) if secret else ()
        hashed = secret.number(("keys", "known_hosts", "hashed")) if secret else 0
        has_entry = any(
            fnmatch.fnmatchcase(address_form, pattern) for pattern in patterns for address_form in (entry, address)
        )
        is_proven = bool(patterns) and not hashed and not has_entry
        facts = {
            "secret": secret_name,
            "entry": entry,
            "scan": key_scan(repository),
            "held": f"; it only has entries for {', '.join(patterns)}" if patterns else "",
        }
        yield Problem(
            repository.ref,
            facts,
            field="spec.secretRef",
            shared=f"{repository.namespace}/{secret_name} {entry}",
            confidence=Confidence.PROVEN if is_proven else Confidence.REPORTED,
        )

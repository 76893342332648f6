"""The line of the remote base that could not be fetched."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Manifests, Problem

_REASON = re.compile(
    r"fatal: (?P<problem>[^\n]+)|(?P<status>HTTP Error: [^\n']+)|(?P<timeout>hit [\dhms.]+ timeout running [^\n']+)"
)


def check(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find the entry that the controller's message names. The message alone proves that the fetch failed."""
    for failure in failures.failed:
        build = manifests.build(failure.resource) if failure.ref.kind == "Kustomization" else None
        for entry in build.remote if build else ():
            reason = _REASON.search(failure.message)
            if reason and f"'{entry.text}'" in failure.message:
                yield Problem(
                    failure.ref,
                    {
                        "where": str(entry.location),
                        "entry": entry.text,
                        "problem": next(filter(None, reason.groups())).strip(),
                    },
                    field=entry.field,
                    location=entry.location,
                    shared=entry.text,
                    confidence=Confidence.PROVEN,
                )

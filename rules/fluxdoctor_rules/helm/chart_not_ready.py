"""A HelmChart waits for the source that it is built from."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem, Ref

# source-controller 0.30 to 1.9.
_NO_ARTIFACT = re.compile(r"no artifact available for (?P<kind>\w+) source '(?P<name>[^']+)'")


def check(failures: Failures) -> Iterator[Problem]:
    """A HelmChart's source is in its own namespace; what the HelmRelease says is read by the page's patterns."""
    for failure in failures.failed:
        if failure.ref.kind != "HelmChart":
            continue
        found = next((m for w in failure.words if (m := _NO_ARTIFACT.search(w.message))), None)
        if found:
            source = Ref(found["kind"], failure.ref.namespace, found["name"])
            facts = {
                "kind": source.kind,
                "namespace": source.namespace,
                "name": source.name,
                "detail": "it has no artifact",
            }
            yield Problem(failure.ref, facts, because=(source,), confidence=Confidence.REPORTED)

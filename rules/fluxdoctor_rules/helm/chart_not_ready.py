"""A HelmChart waits for the source that it is built from."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem, Ref

# source-controller 0.30 to 1.9.
_NO_ARTIFACT = re.compile(r"no artifact available for (?P<kind>\w+) source '(?P<name>[^']+)'")


def check(failures: Failures) -> Iterator[Problem]:
    """Read the messages of HelmCharts, whose source is in their own namespace; the page's patterns read HelmReleases."""
    for failure in failures.failed:
        if failure.ref.kind != "HelmChart":
            continue
        match = next((m for w in failure.words if (m := _NO_ARTIFACT.search(w.message))), None)
        if match:
            source = Ref(match["kind"], failure.ref.namespace, match["name"])
            facts = {
                "kind": source.kind,
                "namespace": source.namespace,
                "name": source.name,
                "detail": "it has no artifact",
            }
            yield Problem(failure.ref, facts, because=(source,), confidence=Confidence.REPORTED)

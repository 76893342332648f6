"""A release has no revision that was ever deployed, so there is nothing to upgrade."""

import re
from collections.abc import Iterator

from fluxdoctor import Evidence, Failures, Problem

_SAID = re.compile(r'"(?P<release>[^"]+)" has no deployed releases')
_STOOD = ("deployed", "superseded")


def check(failures: Failures) -> Iterator[Problem]:
    """Read the history that helm-controller keeps: every entry of it failed."""
    for failure in failures.failed:
        found = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        states = [row.text("status") for row in failure.resource.rows("status.history")]
        if failure.ref.kind == "HelmRelease" and found and states and not any(s in _STOOD for s in states):
            proof = Evidence(f"its revisions are {', '.join(states)}", f"{failure.ref} status.history")
            yield Problem(failure.ref, {"release": found["release"]}, evidence=(proof,))

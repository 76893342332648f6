"""A release has no revision that was ever deployed, so Helm cannot upgrade it."""

import re
from collections.abc import Iterator

from fluxdoctor import Evidence, Failures, Problem, storage_namespace

_ERROR = re.compile(r'"(?P<release>[^"]+)" has no deployed releases')
_DEPLOYED = ("deployed", "superseded")


def check(failures: Failures) -> Iterator[Problem]:
    """Report releases of which every revision in status.history failed."""
    for failure in failures.failed:
        match = next((m for w in failure.words if (m := _ERROR.search(w.message))), None)
        states = [row.text("status") for row in failure.resource.rows("status.history")]
        if failure.ref.kind == "HelmRelease" and match and states and not any(s in _DEPLOYED for s in states):
            proof = Evidence.field(f"status of its revisions: {', '.join(states)}", f"{failure.ref} status.history")
            facts = {"release": match["release"], "storage_namespace": storage_namespace(failure.resource)}
            yield Problem(failure.ref, facts, evidence=(proof,))

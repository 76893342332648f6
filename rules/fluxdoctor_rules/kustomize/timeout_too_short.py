"""A Kustomization waits a shorter time for a HelmRelease than Helm may take."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref, State, age, condition, state, timeout

_WAITED = re.compile(r"HelmRelease/(?P<namespace>[^\s/]+)/(?P<name>[^\s,\]]+) status: 'InProgress'")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Where a health check ran out of time over a HelmRelease that is not failing, compare the two timeouts."""
    for failure in failures.failed:
        kustomization, ready = failure.resource, condition(failure.resource, "Ready")
        if failure.ref.kind != "Kustomization" or ready is None or ready.reason != "HealthCheckFailed":
            continue
        found = _WAITED.finditer(ready.message)
        releases = [r for m in found if (r := cluster.get(Ref("HelmRelease", m["namespace"], m["name"])))]
        slow = [r for r in releases if timeout(r) > timeout(kustomization)]
        well = all(state(r) in (State.READY, State.PROGRESSING) for r in releases)
        only = ready.message.count("status: '") == len(releases)
        if slow and well and only:
            release = slow[0]
            facts = {
                "have": kustomization.text("spec.timeout") or kustomization.text("spec.interval"),
                "release": str(release.ref),
                "want": release.text("spec.timeout", "5m"),
                "now": "is Ready by now" if state(release) is State.READY else "is still at work",
            }
            since = condition(release, "Ready")
            when = f", since {age(since.since, failures.taken)}" if since and since.since else ""
            proof = Evidence(f"{facts['now']}{when}", str(release.ref))
            yield Problem(failure.ref, facts, evidence=(proof,), field="spec.timeout")

"""A Kustomization has a shorter timeout than a HelmRelease that it waits for."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref, State, age, condition, state, timeout

_IN_PROGRESS = re.compile(r"HelmRelease/(?P<namespace>[^\s/]+)/(?P<name>[^\s/,\]]++) status: 'InProgress'")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Compare the timeouts if a health check timed out for a HelmRelease that is not failing."""
    for failure in failures.failed:
        kustomization, ready = failure.resource, condition(failure.resource, "Ready")
        if failure.ref.kind != "Kustomization" or ready is None or ready.reason != "HealthCheckFailed":
            continue
        matches = _IN_PROGRESS.finditer(ready.message)
        releases = [r for m in matches if (r := cluster.get(Ref("HelmRelease", m["namespace"], m["name"])))]
        slow = [r for r in releases if timeout(r) > timeout(kustomization)]
        is_healthy = all(state(r) in (State.READY, State.PROGRESSING) for r in releases)
        is_only_cause = ready.message.count("status: '") == len(releases)
        if slow and is_healthy and is_only_cause:
            release = slow[0]
            is_ready = state(release) is State.READY
            facts = {
                "have": kustomization.text("spec.timeout") or kustomization.text("spec.interval"),
                "release": str(release.ref),
                "want": release.text("spec.timeout", "5m"),
                "now": "is now Ready" if is_ready else "is still in progress",
            }
            status = condition(release, "Ready")
            duration = f" for {age(status.since, failures.taken)}" if status and status.since else ""
            proof = Evidence.field(f"has been {'Ready' if is_ready else 'in progress'}{duration}", str(release.ref))
            yield Problem(failure.ref, facts, evidence=(proof,), field="spec.timeout")

"""A Job that a chart runs as a hook has failed."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref, Resource, condition, release_namespace

_HOOK = re.compile(r"(?P<hook>(?:pre|post)-(?:install|upgrade|rollback|delete)) hooks? failed: (?P<detail>.+)", re.S)
_JOB = re.compile(r"\b(?:job|Job)(?:\.batch)?(?: \"|/| )(?:(?P<namespace>[a-z0-9-]+)/)?(?P<name>[a-z0-9][a-z0-9.-]*)")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Look the Job up that the message names: its condition, and what its last container said on its end."""
    for failure in failures.failed:
        release = failure.resource
        found = next((m for w in failure.words if (m := _HOOK.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or release.has("spec.kubeConfig") or not found:
            continue
        named = _JOB.search(found["detail"])
        space = (named["namespace"] if named else "") or release_namespace(release)
        job = cluster.get(Ref("Job", space, named["name"])) if named else None
        failed = condition(job, "Failed") if job else None
        if job and failed and failed.status == "True":
            detail = " ".join(found["detail"].split())
            proofs = [Evidence(f"Failed: {failed.reason}: {failed.message}", f"{job.ref} status"), *_ends(cluster, job)]
            facts = {"hook": found["hook"], "detail": detail}
            yield Problem(failure.ref, facts, evidence=tuple(proofs))


def _ends(cluster: Cluster, job: Resource) -> Iterator[Evidence]:
    for pod in cluster.pods(job.ref)[-1:]:
        for row in pod.rows("status.containerStatuses"):
            ended = row.fields("state.terminated")
            if ended.number("exitCode"):
                yield Evidence(
                    f"container {row.text('name')} ended with exit code {ended.number('exitCode')}", str(pod.ref)
                )

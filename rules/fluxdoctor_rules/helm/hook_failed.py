"""A Job that a chart runs as a hook has failed."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref, Resource, condition, release_namespace

_HOOK = re.compile(r"(?P<hook>(?:pre|post)-(?:install|upgrade|rollback|delete)) hooks? failed: (?P<detail>.+)", re.S)
_JOB = re.compile(r"\b(?:job|Job)(?:\.batch)?(?: \"|/| )(?:(?P<namespace>[a-z0-9-]+)/)?(?P<name>[a-z0-9][a-z0-9.-]*)")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Look up the Job in the message: its condition, and the exit codes of its last Pod."""
    for failure in failures.failed:
        release = failure.resource
        failed_hook = next((m for w in failure.words if (m := _HOOK.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or release.has("spec.kubeConfig") or not failed_hook:
            continue
        job_name = _JOB.search(failed_hook["detail"])
        namespace = (job_name["namespace"] if job_name else "") or release_namespace(release)
        job = cluster.get(Ref("Job", namespace, job_name["name"])) if job_name else None
        failed = condition(job, "Failed") if job else None
        if job and failed and failed.status == "True":
            detail = " ".join(failed_hook["detail"].split())
            proofs = [
                Evidence.field(f"Failed: {failed.reason}: {failed.message}", f"{job.ref} status"),
                *_exits(cluster, job),
            ]
            facts = {"hook": failed_hook["hook"], "detail": detail}
            yield Problem(failure.ref, facts, evidence=tuple(proofs))


def _exits(cluster: Cluster, job: Resource) -> Iterator[Evidence]:
    for pod in cluster.pods(job.ref)[-1:]:
        for row in pod.rows("status.containerStatuses"):
            exit_code = row.fields("state.terminated").number("exitCode")
            if exit_code:
                yield Evidence.field(f"container {row.text('name')} exited with code {exit_code}", str(pod.ref))

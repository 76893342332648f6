"""A controller that runs now, but was killed or exited repeatedly."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Fields, Problem, Resource, age, kubectl, moment
from fluxdoctor_rules.cluster import _pods
from fluxdoctor_rules.shared import controllers

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_OFTEN = 5


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Read the last exit of the container: out of memory within a day, or five restarts and the last within the hour."""
    pods = _pods.by_workload(cluster)
    for name in (*controllers.RELEASES, "flux-operator"):
        for controller in controllers.all_of(cluster, name):
            for pod in pods.get(controller.deployment.ref, ()):
                for row in pod.rows("status.containerStatuses"):
                    what = _what(row, pod, clock)
                    if what and row.has("state.running"):
                        proof = Evidence.field(what, f"{pod.ref} status.containerStatuses")
                        facts = {"what": what, "hint": _hint(row, pod)}
                        yield Problem(controller.deployment.ref, facts, (proof,), field="spec.template.spec.containers")


def _what(row: Fields, pod: Resource, clock: Clock) -> str:
    last, restarts = row.fields("lastState.terminated"), row.number("restartCount")
    finished_at = moment(last.text("finishedAt"))
    if finished_at is None:
        return ""
    times = f"{restarts} restarts, the last {age(finished_at, clock.taken)} ago"
    if last.text("reason") == "OOMKilled" and clock.taken - finished_at < _DAY:
        limit = next(
            (
                c.text("resources.limits.memory")
                for c in pod.rows("spec.containers")
                if c.text("name") == row.text("name")
            ),
            "",
        )
        return f"was killed because it ran out of memory{f' (limit {limit})' if limit else ''}: {times}"
    if restarts >= _OFTEN and last.number("exitCode") and clock.taken - finished_at < _HOUR:
        return f"keeps exiting with exit code {last.number('exitCode')}: {times}"
    return ""


def _hint(row: Fields, pod: Resource) -> str:
    if row.text("lastState.terminated.reason") == "OOMKilled":
        return "increase its memory limit, or set a lower --concurrent"
    logs = kubectl("logs", pod.ref, rest=f"-c {row.text('name')} --previous")
    return f"check its last log (a lost leader lease indicates a slow API server). Run: {logs}"

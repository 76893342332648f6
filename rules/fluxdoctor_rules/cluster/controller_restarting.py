"""A controller that runs now, and was killed or ended again and again."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Fields, Problem, Resource, age, moment
from fluxdoctor_rules.cluster import _controllers, _pods

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_OFTEN = 5


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Read how the container ended last: out of memory within a day, or five restarts and the last within the hour."""
    pods = _pods.owned(cluster)
    for name in (*_controllers.RELEASES, "flux-operator"):
        for controller in _controllers.all_of(cluster, name):
            for pod in pods.get(controller.deployment.ref, ()):
                for row in pod.rows("status.containerStatuses"):
                    what = _what(row, pod, clock)
                    if what and row.has("state.running"):
                        proof = Evidence(what, f"{pod.ref} status.containerStatuses")
                        facts = {"what": what, "hint": _hint(row)}
                        yield Problem(controller.deployment.ref, facts, (proof,), field="spec.template.spec.containers")


def _what(row: Fields, pod: Resource, clock: Clock) -> str:
    last, restarts = row.fields("lastState.terminated"), row.number("restartCount")
    ended = moment(last.text("finishedAt"))
    if ended is None:
        return ""
    times = f"{restarts} restarts, the last {age(ended, clock.taken)} ago"
    if last.text("reason") == "OOMKilled" and clock.taken - ended < _DAY:
        limit = next(
            (
                c.text("resources.limits.memory")
                for c in pod.rows("spec.containers")
                if c.text("name") == row.text("name")
            ),
            "",
        )
        return f"was killed for want of memory{f' (limit {limit})' if limit else ''}: {times}"
    if restarts >= _OFTEN and last.number("exitCode") and clock.taken - ended < _HOUR:
        return f"keeps ending with exit code {last.number('exitCode')}: {times}"
    return ""


def _hint(row: Fields) -> str:
    if row.text("lastState.terminated.reason") == "OOMKilled":
        return "raise its memory limit, or lower --concurrent"
    return "read kubectl logs --previous (a lost leader lease points at a slow API server)"

"""A Helm release has been in a pending state for longer than any action takes."""

from collections.abc import Iterator

from fluxdoctor import Clock, Cluster, Problem, State, age, moment, state, timeout
from fluxdoctor_rules.helm._releases import active


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """The newest entry of the history is pending-* since more than two timeouts: whoever began it is gone."""
    for release in active(cluster):
        status = release.text("status.history.0.status")
        since = moment(release.text("status.history.0.lastDeployed"))
        if not status.startswith("pending-") or since is None or state(release) is State.READY:
            continue
        if clock.taken - since > 2 * timeout(release):
            name = f"{release.text('status.history.0.namespace')}/{release.text('status.history.0.name')}"
            yield Problem(release.ref, {"what": f"{name} is {status} since {age(since, clock.taken)}"})

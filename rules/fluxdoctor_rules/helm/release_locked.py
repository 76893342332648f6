"""A Helm release has been pending for longer than any operation takes."""

from collections.abc import Iterator

from fluxdoctor import Clock, Cluster, Problem, State, age, moment, release_name, state, storage_namespace, timeout


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Report releases that have been pending for more than two timeouts: the process that locked them is gone."""
    for release in cluster.active("HelmRelease"):
        status = release.text("status.history.0.status")
        start = moment(release.text("status.history.0.lastDeployed"))
        if not status.startswith("pending-") or start is None or state(release) is State.READY:
            continue
        if clock.taken - start > 2 * timeout(release):
            name = f"{release.text('status.history.0.namespace')}/{release.text('status.history.0.name')}"
            facts = {
                "what": f"{name} has been {status} for {age(start, clock.taken)}",
                "release": release_name(release),
                "storage_namespace": storage_namespace(release),
            }
            yield Problem(release.ref, facts)

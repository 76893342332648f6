"""An object that no controller has ever reconciled."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import (
    Clock,
    Cluster,
    Evidence,
    Failures,
    Problem,
    Resource,
    State,
    age,
    controller_of,
    is_suspended,
    is_terminating,
    moment,
)

_SHARD = "sharding.fluxcd.io/key"
_GRACE = timedelta(minutes=5)


def check(cluster: Cluster, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Report objects without a condition after minutes: a controller writes the first one within seconds."""
    for failure in failures.waiting:
        resource = failure.resource
        created = moment(resource.text("metadata.creationTimestamp"))
        is_over = is_terminating(resource) or bool(resource.rows("status.conditions"))
        is_exempt = resource.kind == "ExternalArtifact" or is_suspended(resource)
        if failure.state is State.NEW and created and not (is_over or is_exempt) and clock.taken - created > _GRACE:
            yield Problem(
                resource.ref,
                {"age": age(created, clock.taken), "why": _why(resource, cluster)},
                evidence=(Evidence.field("no condition in status", str(resource.ref)),),
            )


def _why(resource: Resource, cluster: Cluster) -> str:
    controller = controller_of(resource.kind)
    if shard := resource.label(_SHARD):
        return (
            f"it is labelled for shard {shard}; "
            f"check that a {controller} with --watch-label-selector={_SHARD}={shard} exists"
        )
    if cluster.saw_all("Deployment") and not cluster.controllers(controller):
        return f"Deployment {controller} does not exist"
    return f"check that {controller} is running and watches namespace {resource.namespace}"

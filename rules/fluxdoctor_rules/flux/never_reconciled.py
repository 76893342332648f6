"""An object that no controller has ever reconciled."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Failures, Problem, Resource, State, age, moment

_SHARD = "sharding.fluxcd.io/key"
_OFF = "fluxcd.controlplane.io/reconcile"
_GRACE = timedelta(minutes=5)
#: The controller that writes the status of each kind.
CONTROLLERS = {
    "GitRepository": "source-controller",
    "OCIRepository": "source-controller",
    "HelmRepository": "source-controller",
    "HelmChart": "source-controller",
    "Bucket": "source-controller",
    "ArtifactGenerator": "source-watcher",
    "Kustomization": "kustomize-controller",
    "HelmRelease": "helm-controller",
    "Receiver": "notification-controller",
    "ImageRepository": "image-reflector-controller",
    "ImagePolicy": "image-reflector-controller",
    "ImageUpdateAutomation": "image-automation-controller",
    "FluxInstance": "flux-operator",
    "ResourceSet": "flux-operator",
    "ResourceSetInputProvider": "flux-operator",
}


def check(cluster: Cluster, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Report objects without a condition after minutes: a controller writes the first one within seconds."""
    for failure in failures.waiting:
        resource = failure.resource
        created = moment(resource.text("metadata.creationTimestamp"))
        is_over = resource.has("metadata.deletionTimestamp") or bool(resource.rows("status.conditions"))
        is_exempt = resource.kind == "ExternalArtifact" or resource.annotation(_OFF) == "disabled"
        if failure.state is State.NEW and created and not (is_over or is_exempt) and clock.taken - created > _GRACE:
            yield Problem(
                resource.ref,
                {"age": age(created, clock.taken), "why": _why(resource, cluster)},
                evidence=(Evidence("no condition in status", str(resource.ref)),),
            )


def _why(resource: Resource, cluster: Cluster) -> str:
    controller = CONTROLLERS.get(resource.kind, "its controller")
    if shard := resource.label(_SHARD):
        return (
            f"it is labelled for shard {shard}; "
            f"check that a {controller} with --watch-label-selector={_SHARD}={shard} exists"
        )
    if cluster.saw_all("Deployment") and not cluster.controllers(controller):
        return f"Deployment {controller} does not exist"
    return f"check that {controller} is running and watches namespace {resource.namespace}"

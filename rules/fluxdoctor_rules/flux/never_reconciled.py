"""An object that no controller has ever looked at."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Failures, Problem, Resource, State, age, moment

_SHARD = "sharding.fluxcd.io/key"
_OFF = "fluxcd.controlplane.io/reconcile"
_GRACE = timedelta(minutes=5)
#: Which controller writes the status of a kind.
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
    """A controller adds its finalizer and a condition within seconds; minutes without either mean that none listens."""
    for failure in failures.waiting:
        resource = failure.resource
        created = moment(resource.text("metadata.creationTimestamp"))
        gone = resource.has("metadata.deletionTimestamp") or bool(resource.rows("status.conditions"))
        left = resource.kind == "ExternalArtifact" or resource.annotation(_OFF) == "disabled"
        if failure.state is State.NEW and created and not (gone or left) and clock.taken - created > _GRACE:
            yield Problem(
                resource.ref,
                {"age": age(created, clock.taken), "why": _why(resource, cluster)},
                evidence=(Evidence("no condition in its status", str(resource.ref)),),
            )


def _why(resource: Resource, cluster: Cluster) -> str:
    controller = CONTROLLERS.get(resource.kind, "its controller")
    if shard := resource.label(_SHARD):
        return (
            f"it is labelled for shard {shard}: is there a {controller} with --watch-label-selector={_SHARD}={shard}?"
        )
    if cluster.saw_all("Deployment") and not cluster.controllers(controller):
        return f"no Deployment {controller} was found"
    return f"does {controller} run, and does it watch namespace {resource.namespace}?"

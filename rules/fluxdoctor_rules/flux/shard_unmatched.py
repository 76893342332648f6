"""An object that no controller watches, because of its shard label or its namespace."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, State, controller_of
from fluxdoctor_rules.shared import controllers

_SHARD = "sharding.fluxcd.io/key"


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Match the labels and the namespace of each object without a status with the arguments of its controllers."""
    new = [f for f in failures.waiting if f.state is State.NEW and f.ref.kind != "ExternalArtifact"]
    names = sorted({controller_of(failure.ref.kind) for failure in new})
    by_name = {name: controllers.all_of(cluster, name) for name in names}
    for resource in (failure.resource for failure in new):
        name = controller_of(resource.kind)
        deployments = by_name[name]
        is_complete = bool(deployments) and all(c.arguments for c in deployments) and cluster.saw_all("Deployment")
        if not is_complete or any(c.watches(resource) for c in deployments):
            continue
        shard = resource.label(_SHARD)
        where = f"shard {shard}" if shard else f"namespace {resource.namespace} (no shard label)"
        proof = tuple(Evidence.field(_scope(c), str(c.deployment.ref)) for c in deployments[:3])
        yield Problem(resource.ref, {"where": where, "controller": name}, proof, field=f"metadata.labels.{_SHARD}")


def _scope(controller: controllers.Controller) -> str:
    selector = controller.flag("watch-label-selector")
    is_namespaced = controller.flag("watch-all-namespaces") == "false"
    return (
        "; ".join(
            part
            for part in (
                f"--watch-label-selector={selector}" if selector else "",
                f"watches only namespace {controller.deployment.namespace}" if is_namespaced else "",
            )
            if part
        )
        or "watches everything"
    )

"""No controller takes an object: its shard label, or its namespace, is outside of what each of them watches."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, State
from fluxdoctor_rules.cluster import _controllers
from fluxdoctor_rules.flux.never_reconciled import CONTROLLERS

_SHARD = "sharding.fluxcd.io/key"


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Match the labels and the namespace of each object without a status with the arguments of its controllers."""
    known = {name: _controllers.all_of(cluster, name) for name in sorted(set(CONTROLLERS.values()))}
    for failure in failures.waiting:
        resource = failure.resource
        name = CONTROLLERS.get(resource.kind, "")
        found = known.get(name, ())
        all_seen = bool(found) and all(c.arguments for c in found) and cluster.saw_all("Deployment")
        if failure.state is not State.NEW or not all_seen or any(c.watches(resource) for c in found):
            continue
        shard = resource.label(_SHARD)
        where = f"shard {shard}" if shard else f"namespace {resource.namespace}, without a shard"
        proof = tuple(Evidence(_scope(c), str(c.deployment.ref)) for c in found[:3])
        yield Problem(resource.ref, {"where": where, "controller": name}, proof, field=f"metadata.labels.{_SHARD}")


def _scope(controller: _controllers.Controller) -> str:
    selector = controller.flag("watch-label-selector")
    alone = controller.flag("watch-all-namespaces") == "false"
    return (
        "; ".join(
            part
            for part in (
                f"--watch-label-selector={selector}" if selector else "",
                f"watches only namespace {controller.deployment.namespace}" if alone else "",
            )
            if part
        )
        or "watches everything"
    )

"""A Flux controller does not run: its objects are not reconciled, and most of them stay Ready."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Failures, Problem, Ref, Resource, State, condition, state
from fluxdoctor_rules.cluster import _pods

_MANAGES = {
    "helm-controller": ("HelmRelease",),
    "image-automation-controller": ("ImageUpdateAutomation",),
    "image-reflector-controller": ("ImageRepository", "ImagePolicy"),
    "kustomize-controller": ("Kustomization",),
    "notification-controller": ("Receiver", "Alert", "Provider"),
    "source-controller": ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket"),
    "source-watcher": ("ArtifactGenerator", "ExternalArtifact"),
    "flux-operator": ("FluxInstance", "ResourceSet", "ResourceSetInputProvider"),
}
_ACUTE = (*_pods.PULL, *_pods.CONFIG)


def check(cluster: Cluster, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Check the Deployment of every controller and its Pods: an upgrade can be stuck while the old Pod still serves."""
    pods = _pods.by_workload(cluster)
    for name, kinds in _MANAGES.items():
        for deployment in cluster.controllers(name):
            outage = _outage(cluster, deployment, pods.get(deployment.ref, ()), clock)
            # A controller without objects can be scaled to 0 on purpose.
            if outage and (outage[2] or cluster.all(*kinds)):
                what, proof, is_serving, field = outage
                effect = _effect(name, kinds, is_serving=is_serving)
                facts = {
                    "what": what,
                    "effect": effect,
                    "name": deployment.name,
                    "namespace": deployment.namespace,
                }
                explains = () if is_serving else _waiting(name, cluster.all(*kinds), failures)
                yield Problem(deployment.ref, facts, evidence=(proof,), field=field, explains=explains)


def _outage(
    cluster: Cluster, deployment: Resource, pods: Sequence[Resource], clock: Clock
) -> tuple[str, Evidence, bool, str] | None:
    """Return what is wrong, its proof, whether an old Pod still serves, and the field; None for a healthy Deployment."""
    where = f"{deployment.ref} status"
    if deployment.has("spec.replicas") and deployment.number("spec.replicas") == 0:
        return (
            "is scaled to 0",
            Evidence.field("spec.replicas: 0", str(deployment.ref)),
            False,
            "spec.replicas",
        )
    is_serving = deployment.number("status.availableReplicas") > 0
    for one in _pods.stuck(cluster, pods):
        is_crashing = one.reason == _pods.CRASH and (one.restarts >= _pods.RESTARTS or not is_serving)
        is_unscheduled = one.reason == "Unschedulable" and _pods.is_old(one.pod, clock.taken, timedelta(minutes=2))
        if is_crashing or is_unscheduled or one.reason in _ACUTE:
            code = f": exit code {one.exit_code}, {one.restarts} restarts" if is_crashing else ""
            detail = f": {' '.join(one.text.split())}" if one.text and not is_crashing else code
            text = f"{one.reason}{detail}"
            return (
                f"cannot start its Pod ({one.reason}){detail}",
                Evidence.field(text, f"{one.pod.ref} status"),
                is_serving,
                one.field,
            )
    available = condition(deployment, "Available")
    since = available.since if available else None
    if (
        not is_serving
        and available
        and available.status == "False"
        and since
        and clock.taken - since > timedelta(minutes=2)
    ):
        return "has no available Pod", Evidence.condition(available.message, where), False, ""
    return None


def _effect(name: str, kinds: tuple[str, ...], *, is_serving: bool) -> str:
    if is_serving:
        return "the Pod of the old version is still running"
    if name == "notification-controller":
        return "no alert is sent and no webhook is received"
    *others, last = kinds
    names = f"{', '.join(others)} or {last}" if others else last
    return f"no {names} is reconciled, and Ready objects stay Ready at their old revision"


def _waiting(name: str, managed: tuple[Resource, ...], failures: Failures) -> tuple[Ref, ...]:
    """Return objects that wait for their controller, and those that cannot fetch an artifact from source-controller."""
    refs = [r.ref for r in managed if _waits(r)]
    if name in ("source-controller", "source-watcher"):
        for failure in failures.failed:
            text = " ".join(w.message for w in failure.words)
            is_unreachable = name in text and ("connection refused" in text or "i/o timeout" in text or "EOF" in text)
            if is_unreachable or "Source is not ready, artifact not found" in text:
                refs.append(failure.ref)
    return tuple(refs)


def _waits(resource: Resource) -> bool:
    is_behind = resource.number("metadata.generation") > resource.number("status.observedGeneration")
    return state(resource) in (State.NEW, State.PROGRESSING) or (state(resource) is State.READY and is_behind)

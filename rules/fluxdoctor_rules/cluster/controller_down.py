"""A Flux controller does not run: what it reconciles stays as it is, and mostly stays green."""

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
    """Look at the Deployment of every controller, and at its pods: an upgrade can be stuck while the old pod serves."""
    pods = _pods.owned(cluster)
    for name, kinds in _MANAGES.items():
        for deployment in cluster.controllers(name):
            found = _down(cluster, deployment, pods.get(deployment.ref, ()), clock)
            # A controller that has nothing to do may be scaled to 0 on purpose.
            if found and (found[2] or cluster.all(*kinds)):
                what, proof, still, field = found
                effect = _effect(name, kinds, still=still)
                facts = {
                    "what": what,
                    "effect": effect,
                    "name": deployment.name,
                    "namespace": deployment.namespace,
                }
                explains = () if still else _waiting(name, cluster.all(*kinds), failures)
                yield Problem(deployment.ref, facts, evidence=(proof,), field=field, explains=explains)


def _down(
    cluster: Cluster, deployment: Resource, pods: Sequence[Resource], clock: Clock
) -> tuple[str, Evidence, bool, str] | None:
    where = f"{deployment.ref} status"
    if deployment.has("spec.replicas") and deployment.number("spec.replicas") == 0:
        return "is scaled to 0", Evidence("spec.replicas: 0", str(deployment.ref)), False, "spec.replicas"
    serves = deployment.number("status.availableReplicas") > 0
    for one in _pods.stuck(cluster, pods):
        crashes = one.reason == _pods.CRASH and (one.restarts >= _pods.RESTARTS or not serves)
        unplaced = one.reason == "Unschedulable" and _pods.is_old(one.pod, clock.taken, timedelta(minutes=2))
        if crashes or unplaced or one.reason in _ACUTE:
            code = f" (exit code {one.exit_code}, {one.restarts} restarts)" if crashes else ""
            text = f": {' '.join(one.text.split())}" if one.text and not crashes else code
            said = f"{one.reason}{text}"
            return f"cannot start its pod: {said}", Evidence(said, f"{one.pod.ref} status"), serves, one.field
    available = condition(deployment, "Available")
    since = available.since if available else None
    if (
        not serves
        and available
        and available.status == "False"
        and since
        and clock.taken - since > timedelta(minutes=2)
    ):
        return "has no pod that is available", Evidence(available.message, where), False, ""
    return None


def _effect(name: str, kinds: tuple[str, ...], *, still: bool) -> str:
    if still:
        return "the old pod still serves, and with it the old version"
    if name == "notification-controller":
        return "no alert is sent and no webhook is received"
    return f"no {', '.join(kinds)} is reconciled; what was Ready stays Ready at its old revision"


def _waiting(name: str, managed: tuple[Resource, ...], failures: Failures) -> tuple[Ref, ...]:
    """Objects that wait for their controller, and those that cannot fetch an artifact from source-controller."""
    found = [r.ref for r in managed if _waits(r)]
    if name in ("source-controller", "source-watcher"):
        for failure in failures.failed:
            text = " ".join(w.message for w in failure.words)
            refused = name in text and ("connection refused" in text or "i/o timeout" in text or "EOF" in text)
            if refused or "Source is not ready, artifact not found" in text:
                found.append(failure.ref)
    return tuple(found)


def _waits(resource: Resource) -> bool:
    behind = resource.number("metadata.generation") > resource.number("status.observedGeneration")
    return state(resource) in (State.NEW, State.PROGRESSING) or (state(resource) is State.READY and behind)

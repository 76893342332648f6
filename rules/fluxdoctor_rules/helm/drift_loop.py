"""Drift correction repeatedly reverts what another controller writes."""

from collections import Counter
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Ref, Resource

_REASONS = ("DriftCorrected", "DriftDetected", "DriftCorrectionFailed")
_OFTEN = 3


def check(cluster: Cluster) -> Iterator[Problem]:
    """Count the corrections of each object in the events of a release, which Kubernetes keeps for an hour."""
    autoscaled = _autoscaled(cluster)
    for release in cluster.active("HelmRelease"):
        if release.text("spec.driftDetection.mode") != "enabled":
            continue
        counts = {reason: Counter[str]() for reason in _REASONS}
        for event in cluster.events(release.ref):
            if event.reason in counts:
                counts[event.reason].update(dict.fromkeys(_objects(event.message), event.count))
        # A correction emits one event of each reason: the highest count is the number of corrections.
        corrections = {name: max(c[name] for c in counts.values()) for c in counts.values() for name in c}
        for name, count in sorted(corrections.items()):
            if count >= _OFTEN:
                yield _problem(release, name, count, autoscaled.get(_ref(name)))


def _objects(message: str) -> Iterator[str]:
    """Yield Kind/namespace/name of each line after the first (helm-controller 1.6)."""
    for line in message.splitlines()[1:]:
        words = line.split()
        if words and words[0].count("/"):
            yield words[0]


def _ref(name: str) -> Ref:
    kind, _, rest = name.partition("/")
    namespace, slash, own = rest.partition("/")
    return Ref(kind, namespace, own) if slash else Ref(kind, "", namespace)


def _autoscaled(cluster: Cluster) -> dict[Ref, Ref]:
    return {
        Ref(h.text("spec.scaleTargetRef.kind"), h.namespace, h.text("spec.scaleTargetRef.name")): h.ref
        for h in cluster.all("HorizontalPodAutoscaler")
    }


def _problem(release: Resource, name: str, count: int, autoscaler: Ref | None) -> Problem:
    facts = {
        "object": name,
        "count": str(count),
        "who": f"{autoscaler} scales it" if autoscaler else "another controller changes it",
        "paths": "/spec/replicas" if autoscaler else "the changed fields",
    }
    proof = Evidence.event(f"{count} times in its events", f"{release.ref} events")
    return Problem(release.ref, facts, evidence=(proof,), field="spec.driftDetection.ignore", key=name)

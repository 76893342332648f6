"""The object that a release lacked exists now, but retries are exhausted, so helm-controller does not try again."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, EvidenceKind, Failure, Failures, Problem, Ref, Resource, condition, moment

_MISSING = re.compile(
    r'\b(?P<kind>secret|configmap|serviceaccount|persistentvolumeclaim)s? "(?P<name>[^"]+)" not found', re.I
)
_NAMESPACE = re.compile(r'namespaces "(?P<name>[^"]+)" not found')
_KINDS = {
    "secret": "Secret",
    "configmap": "ConfigMap",
    "serviceaccount": "ServiceAccount",
    "persistentvolumeclaim": "PersistentVolumeClaim",
}


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Report stalled releases whose missing objects were all created after the last attempt."""
    for failure in failures.failed:
        release = failure.resource
        stalled = condition(release, "Stalled")
        if failure.ref.kind != "HelmRelease" or release.has("spec.kubeConfig") or not stalled:
            continue
        if stalled.status == "True" and stalled.reason in ("RetriesExceeded", "RetriesExhausted"):
            yield from _problems(failure, cluster)


def _problems(failure: Failure, cluster: Cluster) -> Iterator[Problem]:
    release = failure.resource
    last_attempt = max((w.since for w in failure.words if w.since and w.kind is not EvidenceKind.EVENT), default=None)
    refs = dict.fromkeys(ref for w in failure.words for ref in _missing(w.message, release))
    objects = [cluster.get(ref) for ref in refs]
    times = [moment(r.text("metadata.creationTimestamp")) for r in objects if r]
    if not objects or len(times) < len(objects) or not last_attempt or not all(t and t > last_attempt for t in times):
        return
    facts = {"objects": ", ".join(map(str, refs))}
    proof = tuple(
        Evidence.field(f"created at {time:%Y-%m-%d %H:%MZ}, after the last attempt", str(ref))
        for ref, time in zip(refs, times, strict=True)
        if time
    )
    yield Problem(failure.ref, facts, evidence=proof, field="spec.upgrade.remediation.retries")


def _missing(message: str, release: Resource) -> Iterator[Ref]:
    """Yield the objects that an error reports as not found."""
    namespace = release.text("spec.targetNamespace") or release.namespace
    for match in _MISSING.finditer(message):
        yield Ref(_KINDS[match["kind"].lower()], namespace, match["name"])
    for match in _NAMESPACE.finditer(message):
        yield Ref("Namespace", "", match["name"])

"""What a release lacked is there by now, and its attempts are used up: nothing tries again."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failure, Failures, Problem, Ref, Resource, condition, moment

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
    """Look up the objects whose absence a release that gave up complains of; a later one proves that it was repaired."""
    for failure in failures.failed:
        release = failure.resource
        stalled = condition(release, "Stalled")
        if failure.ref.kind != "HelmRelease" or release.has("spec.kubeConfig") or not stalled:
            continue
        if stalled.status == "True" and stalled.reason in ("RetriesExceeded", "RetriesExhausted"):
            yield from _repaired(failure, cluster)


def _repaired(failure: Failure, cluster: Cluster) -> Iterator[Problem]:
    release = failure.resource
    last = max((w.since for w in failure.words if w.since and w.where != "event"), default=None)
    wanted = dict.fromkeys(ref for w in failure.words for ref in _named(w.message, release))
    found = [cluster.get(ref) for ref in wanted]
    born = [moment(r.text("metadata.creationTimestamp")) for r in found if r]
    if not found or len(born) < len(found) or not last or not all(b and b > last for b in born):
        return
    facts = {"objects": ", ".join(map(str, wanted)), "name": release.name, "namespace": release.namespace}
    proof = tuple(
        Evidence(f"made at {b:%Y-%m-%d %H:%MZ}, after the last attempt", str(r))
        for r, b in zip(wanted, born, strict=True)
        if b
    )
    yield Problem(failure.ref, facts, evidence=proof, field="spec.upgrade.remediation.retries")


def _named(message: str, release: Resource) -> Iterator[Ref]:
    namespace = release.text("spec.targetNamespace") or release.namespace
    for match in _MISSING.finditer(message):
        yield Ref(_KINDS[match["kind"].lower()], namespace, match["name"])
    for match in _NAMESPACE.finditer(message):
        yield Ref("Namespace", "", match["name"])

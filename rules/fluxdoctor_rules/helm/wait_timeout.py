"""The objects of a release did not become ready in time."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Edge, Failure, Failures, Graph, Problem, Ref, Resource, condition, kubectl

# Lists of objects by Flux and by Helm 4; then the errors of Helm 3 and of a wait that was canceled, which list none.
_LIST = re.compile(
    r"\A(?>.*?(?:timeout waiting for|failed early due to stalled resources|timed out waiting for):? \[)(?P<objects>.+)\]",
    re.S,
)
_LISTED = re.compile(r"(?<!\w)(?P<kind>[A-Z]\w++)/(?:(?P<namespace>[a-z0-9-]++)/)?(?P<name>[^\s/,:\]]++) status: '")
_HELM4 = re.compile(r"resource (?P<kind>[A-Z]\w+)/(?P<namespace>[^/\s]*)/(?P<name>\S+) not ready")
_UNLISTED = re.compile(
    r"Helm (?:install|upgrade|rollback)\b(?>.{0,1000}? failed).{0,2000}?"
    r"(?:timed out waiting for the condition|context deadline exceeded"
    r"|would exceed context deadline)",
    re.S,
)
#: How many objects a message lists.
_MOST = 5
_READY_NOW = "; the objects are ready now, but retries are exhausted, so the release stays failed until a reset"
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod", "PersistentVolumeClaim")


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Report the objects in the error, or the workloads of the release if the error lists none."""
    for failure in failures.failed:
        if failure.ref.kind != "HelmRelease" or failure.resource.has("spec.kubeConfig"):
            continue  # objects of a remote cluster are not visible
        objects = tuple(dict.fromkeys(ref for w in failure.words for ref in _objects(w.message)))
        objects = objects or (_workloads(failure, cluster, graph) if _lists_no_objects(failure) else ())
        if objects:
            is_late = all(_is_ready(cluster.get(ref)) for ref in objects) and _is_exhausted(failure.resource)
            facts = {
                "objects": ", ".join(map(str, objects[:_MOST])),
                "now": _READY_NOW if is_late else "",
                "description": f". Run: {kubectl('describe', *objects[:_MOST])}",
            }
            yield Problem(failure.ref, facts, because=objects, confidence=Confidence.REPORTED)


def _objects(message: str) -> Iterator[Ref]:
    """Yield the objects that an error lists."""
    if not message.startswith("Helm "):
        return
    listing = _LIST.search(message)
    matches = _LISTED.finditer(listing["objects"]) if listing else _HELM4.finditer(message)
    for match in matches:
        yield Ref(match["kind"], match["namespace"] or "", match["name"])


def _lists_no_objects(failure: Failure) -> bool:
    return any(_UNLISTED.search(w.message) for w in failure.words)


def _workloads(failure: Failure, cluster: Cluster, graph: Graph) -> tuple[Ref, ...]:
    applied = (r.target for r in graph.needs(failure.ref, Edge.APPLIES))
    return tuple(sorted({ref for ref in applied if ref.kind in _WORKLOADS and not cluster.is_absent(ref)}))


def _is_exhausted(release: Resource) -> bool:
    """Tell whether retries are exhausted without remediation, so that the live objects are those of the last attempt."""
    stalled, remediated = condition(release, "Stalled"), condition(release, "Remediated")
    return stalled is not None and stalled.reason == "RetriesExceeded" and remediated is None


def _is_ready(workload: Resource | None) -> bool:
    """Tell whether a workload has all its replicas; False for other kinds, which have none to count."""
    if workload is None or workload.kind not in ("Deployment", "StatefulSet"):
        return False
    return workload.number("status.readyReplicas") >= workload.number("spec.replicas", 1) > 0

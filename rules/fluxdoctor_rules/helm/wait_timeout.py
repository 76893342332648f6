"""The objects of a release did not become ready in time."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Edge, Failure, Failures, Graph, Problem, Ref, Resource, condition

# Flux's and Helm 4's lists of objects, then the words of Helm 3 and of a wait that is cut short, which name none.
_LIST = re.compile(
    r"(?:timeout waiting for|failed early due to stalled resources|timed out waiting for):? \[(?P<objects>.+)\]",
    re.S,
)
_LISTED = re.compile(r"(?P<kind>[A-Z]\w+)/(?:(?P<namespace>[a-z0-9-]+)/)?(?P<name>[^\s/,:\]]+) status: '")
_HELM4 = re.compile(r"resource (?P<kind>[A-Z]\w+)/(?P<namespace>[^/\s]*)/(?P<name>\S+) not ready")
_SILENT = re.compile(
    r"Helm (?:install|upgrade|rollback)\b.* failed.*(?:timed out waiting for the condition|context deadline exceeded"
    r"|would exceed context deadline)",
    re.S,
)
_SHOWN = 5
_LATE = "; now they are ready, but the attempts are used up, so it stays like this until a reset"
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod", "PersistentVolumeClaim")


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Read which objects were waited for; where the controller does not say, the workloads of the release are."""
    for failure in failures.failed:
        if failure.ref.kind != "HelmRelease" or failure.resource.has("spec.kubeConfig"):
            continue  # the objects of a remote cluster cannot be seen
        named = tuple(dict.fromkeys(ref for w in failure.words for ref in _named(w.message)))
        named = named or (_workloads(failure, cluster, graph) if _is_silent(failure) else ())
        if named:
            late = all(_serves(cluster.get(ref)) for ref in named) and _gave_up(failure.resource)
            facts = {"objects": ", ".join(map(str, named[:_SHOWN])), "now": _LATE if late else ""}
            yield Problem(failure.ref, facts, because=named, confidence=Confidence.REPORTED)


def _named(message: str) -> Iterator[Ref]:
    if not message.startswith("Helm "):
        return
    listed = _LIST.search(message)
    found = _LISTED.finditer(listed["objects"]) if listed else _HELM4.finditer(message)
    for match in found:
        yield Ref(match["kind"], match["namespace"] or "", match["name"])


def _is_silent(failure: Failure) -> bool:
    return any(_SILENT.search(w.message) for w in failure.words)


def _workloads(failure: Failure, cluster: Cluster, graph: Graph) -> tuple[Ref, ...]:
    applied = (r.target for r in graph.needs(failure.ref, Edge.APPLIES))
    return tuple(sorted({ref for ref in applied if ref.kind in _WORKLOADS and not cluster.is_absent(ref)}))


def _gave_up(release: Resource) -> bool:
    """Out of attempts, and nothing was put back: what is there is what was waited for."""
    stalled, remediated = condition(release, "Stalled"), condition(release, "Remediated")
    return stalled is not None and stalled.reason == "RetriesExceeded" and remediated is None


def _serves(workload: Resource | None) -> bool:
    """Judge only what has replicas; a Job or a claim is not known to be well."""
    if workload is None or workload.kind not in ("Deployment", "StatefulSet"):
        return False
    return workload.number("status.readyReplicas") >= workload.number("spec.replicas", 1) > 0

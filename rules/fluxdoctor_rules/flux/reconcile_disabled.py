"""An object that Flux leaves alone because an annotation says so."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Graph, Manifests, Problem, Resource, Severity, State

_APPLIED = "kustomize.toolkit.fluxcd.io/reconcile"
_OWN = ("fluxcd.controlplane.io/reconcile", "source.extensions.fluxcd.io/reconcile")


def check(cluster: Cluster, graph: Graph, failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Tell an annotation that is in git from one that somebody put on the live object; and one that was there from the start."""
    for resource in cluster:
        held = resource.get("metadata.annotations")
        if not isinstance(held, dict):  # most have none
            continue
        key = next((k for k in (_APPLIED, *_OWN) if held.get(k) == "disabled"), "")
        parent = graph.parent(resource) if key else None
        if not key or (key == _APPLIED and parent is None):
            continue
        declared = manifests.definition(resource.ref, parent) if manifests else None
        by_hand = declared is not None and declared.annotation(key) != "disabled"
        facts = {
            "key": key,
            "what": "no change from git reaches it" if key == _APPLIED else "its controller does not look at it",
            "where": " (git does not say so)" if by_hand else " (as git says)" if declared else "",
            "who": _who(resource, key),
        }
        proof = Evidence(f"{key}: disabled", str(resource.ref))
        level = Severity.WARNING if by_hand else Severity.INFO
        failure = failures.of(resource.ref)
        if key != _APPLIED and failure and failure.state is State.NEW:  # never looked at: what needs it has nothing
            level = Severity.ERROR
        yield Problem(resource.ref, facts, (proof,), field="metadata.annotations", severity=level)


def _who(resource: Resource, key: str) -> str:
    for row in resource.rows("metadata.managedFields"):
        if row.has(("fieldsV1", "f:metadata", "f:annotations", f"f:{key}")):
            return f" by {row.text('manager')}"
    return ""

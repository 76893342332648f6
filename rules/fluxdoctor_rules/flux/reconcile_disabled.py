"""An object whose reconciliation is disabled by an annotation."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Graph, Manifests, Problem, Resource, Severity, State

_APPLIED = "kustomize.toolkit.fluxcd.io/reconcile"
_OWN = ("fluxcd.controlplane.io/reconcile", "source.extensions.fluxcd.io/reconcile")


def check(cluster: Cluster, graph: Graph, failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Report the annotation as information if git has it, as a warning if it was set on the live object by hand.

    An error if the object was never reconciled: what depends on it has nothing to use.
    """
    for resource in cluster:
        annotations = resource.get("metadata.annotations")
        if not isinstance(annotations, dict):  # most objects have none
            continue
        key = next((k for k in (_APPLIED, *_OWN) if annotations.get(k) == "disabled"), "")
        parent = graph.parent(resource) if key else None
        if not key or (key == _APPLIED and parent is None):
            continue
        declared = manifests.definition(resource.ref, parent) if manifests else None
        is_manual = declared is not None and declared.annotation(key) != "disabled"
        facts = {
            "key": key,
            "what": "changes from git are not applied" if key == _APPLIED else "its controller does not reconcile it",
            "where": " (not in git)" if is_manual else " (as in git)" if declared else "",
            "who": _who(resource, key),
        }
        proof = Evidence.field(f"{key}: disabled", str(resource.ref))
        level = Severity.WARNING if is_manual else Severity.INFO
        failure = failures.of(resource.ref)
        if key != _APPLIED and failure and failure.state is State.NEW:
            level = Severity.ERROR
        yield Problem(resource.ref, facts, (proof,), field="metadata.annotations", severity=level)


def _who(resource: Resource, key: str) -> str:
    for row in resource.rows("metadata.managedFields"):
        if row.has(("fieldsV1", "f:metadata", "f:annotations", f"f:{key}")):
            return f" by {row.text('manager')}"
    return ""

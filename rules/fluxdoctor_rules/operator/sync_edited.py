"""An object that flux-operator created from spec.sync was edited: the operator reverts the edit."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Fields, Problem, Ref

_OWN = ("flux-operator", "kustomize-controller", "source-controller", "flux")
_MOST = 3


def check(cluster: Cluster) -> Iterator[Problem]:
    """Report fields of the sync objects that a manager other than flux-operator set last."""
    for instance in cluster.active("FluxInstance"):
        if not instance.has("spec.sync"):
            continue
        name = instance.text("spec.sync.name") or instance.namespace
        source = Ref(instance.text("spec.sync.kind", "GitRepository"), instance.namespace, name)
        for ref in (source, Ref("Kustomization", instance.namespace, name)):
            resource = cluster.get(ref)
            for row in resource.rows("metadata.managedFields") if resource else ():
                fields = _fields(row)
                if fields and row.text("manager") not in _OWN:
                    names = ", ".join(fields[:_MOST])
                    facts = {"manager": row.text("manager"), "fields": names}
                    proof = Evidence.field(f"managedFields: {row.text('manager')} set {names}", str(ref))
                    yield Problem(ref, facts, (proof,), key=row.text("manager"))


def _fields(row: Fields) -> tuple[str, ...]:
    # spec.suspend pauses a sync; flux/suspended reports it.
    spec = row.fields(("fieldsV1", "f:spec"))
    return tuple(f"spec.{k.removeprefix('f:')}" for k in sorted(set(spec.keys()) - {"f:suspend", "."}))

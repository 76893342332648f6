"""What flux-operator made from spec.sync was changed by hand: the operator takes it back."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Fields, Problem, Ref

_OWN = ("flux-operator", "kustomize-controller", "source-controller", "flux")
_SHOWN = 3


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find fields of the sync objects that another manager than flux-operator set last."""
    for instance in cluster.all("FluxInstance"):
        if not instance.has("spec.sync"):
            continue
        name = instance.text("spec.sync.name") or instance.namespace
        source = Ref(instance.text("spec.sync.kind", "GitRepository"), instance.namespace, name)
        for ref in (source, Ref("Kustomization", instance.namespace, name)):
            made = cluster.get(ref)
            for row in made.rows("metadata.managedFields") if made else ():
                fields = _fields(row)
                if fields and row.text("manager") not in _OWN:
                    shown = ", ".join(fields[:_SHOWN])
                    facts = {"manager": row.text("manager"), "fields": shown}
                    proof = Evidence(f"managedFields: {row.text('manager')} set {shown}", str(ref))
                    yield Problem(ref, facts, (proof,), key=row.text("manager"))


def _fields(row: Fields) -> tuple[str, ...]:
    # spec.suspend is how one pauses a sync, and has a rule of its own.
    spec = row.fields(("fieldsV1", "f:spec"))
    return tuple(f"spec.{k.removeprefix('f:')}" for k in sorted(set(spec.keys()) - {"f:suspend", "."}))

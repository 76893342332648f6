"""git sets spec.replicas of a workload that an autoscaler scales."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Evidence, Graph, Manifests, Problem, Ref, Resource, is_suspended

_KEY = "kustomize.toolkit.fluxcd.io/"
_NOT_OVERRIDDEN = ("merge", "ifnotpresent", "ignore")


def check(cluster: Cluster, graph: Graph, manifests: Manifests) -> Iterator[Problem]:
    """Check whether kustomize-controller applies spec.replicas of the target of an autoscaler."""
    for scaler in cluster.all("HorizontalPodAutoscaler"):
        row = scaler.fields("spec.scaleTargetRef")
        target = cluster.get(Ref(row.text("kind"), scaler.namespace, row.text("name")))
        owner = graph.parent(target) if target else None
        kustomization = cluster.get(owner) if owner and owner.kind == "Kustomization" else None
        if target is None or kustomization is None or is_suspended(kustomization):
            continue
        declared = manifests.definition(target.ref, kustomization.ref)
        if declared and declared.has("spec.replicas") and _applies(kustomization, declared, target, manifests):
            facts = {
                "scaler": str(scaler.ref),
                "owner": str(kustomization.ref),
                "replicas": str(declared.get("spec.replicas")),
            }
            proof = Evidence.field(f"spec.scaleTargetRef is {target.ref}", str(scaler.ref))
            yield Problem(
                target.ref, facts, evidence=(proof,), field="spec.replicas", location=declared.at("spec.replicas")
            )


def _applies(kustomization: Resource, declared: Resource, live: Resource, manifests: Manifests) -> bool:
    """Tell whether the controller applies the field: by managedFields, or if there are none, if no patch can remove it."""
    modes = [m for o in (declared, live) for m in (o.annotation(f"{_KEY}ssa"), o.label(f"{_KEY}ssa"))]
    is_off = "disabled" in (declared.annotation(f"{_KEY}reconcile"), declared.label(f"{_KEY}reconcile"))
    if is_off or kustomization.has("spec.ignore") or any(m.lower() in _NOT_OVERRIDDEN for m in modes):
        return False
    rows = [r for r in live.rows("metadata.managedFields") if r.text("manager") == "kustomize-controller"]
    if rows:
        return any(r.has("fieldsV1.f:spec.f:replicas") for r in rows)
    return not _has_patches(kustomization, manifests.build(kustomization))


def _has_patches(kustomization: Resource, build: Build | None) -> bool:
    keys = ("patches", "patchesStrategicMerge", "patchesJson6902", "transformers", "components")
    in_files = build is None or any(body.has(key) for body in build.kustomizations for key in keys)
    return in_files or kustomization.has("spec.patches") or bool(kustomization.strings("spec.components"))

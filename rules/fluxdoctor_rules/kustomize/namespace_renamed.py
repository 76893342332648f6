"""A build changes the name of a Namespace, and the Namespace with the name in git does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Ref
from fluxdoctor_rules.kustomize._build import applied


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Compare the names; the namespace field of kustomize and spec.targetNamespace also set the name of a Namespace."""
    for kustomization, build in applied(cluster, manifests):
        if kustomization.has("spec.patches") or kustomization.has("spec.kubeConfig"):
            continue
        target = kustomization.text("spec.targetNamespace")
        for resource in build.objects:
            declared = resource.text("metadata.name")
            live = manifests.live_ref(resource, kustomization)
            if resource.kind != "Namespace" or not declared or declared == live.name or "${" in declared + live.name:
                continue
            if cluster.look(Ref("Namespace", "", declared)).absent and cluster.look(live).present:
                is_target = target == live.name
                facts = {
                    "where": str(resource.at("metadata.name")),
                    "written": declared,
                    "live": live.name,
                    "by": "spec.targetNamespace" if is_target else "namespace in a kustomization.yaml",
                }
                proof = Evidence.field(f"{live} exists, but Namespace/{declared} does not", str(live))
                field = "spec.targetNamespace" if is_target else "metadata.name"
                yield Problem(
                    kustomization.ref,
                    facts,
                    evidence=(proof,),
                    field=field,
                    location=resource.at("metadata.name"),
                    key=declared,
                )

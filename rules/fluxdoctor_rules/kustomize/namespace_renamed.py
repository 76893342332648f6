"""A Namespace in git got another name on its way, and the one that was meant does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Ref

from ._build import applied


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """The namespace field of kustomize, and spec.targetNamespace, also set metadata.name of every Namespace."""
    for kustomization, build in applied(cluster, manifests):
        if kustomization.has("spec.patches") or kustomization.has("spec.kubeConfig"):
            continue
        target = kustomization.text("spec.targetNamespace")
        for resource in build.objects:
            written = resource.text("metadata.name")
            live = manifests.live_ref(resource, kustomization)
            if resource.kind != "Namespace" or not written or written == live.name or "${" in written + live.name:
                continue
            if cluster.look(Ref("Namespace", "", written)).absent and cluster.look(live).present:
                facts = {
                    "where": str(resource.at("metadata.name")),
                    "written": written,
                    "live": live.name,
                    "by": "spec.targetNamespace"
                    if target == live.name
                    else "the field namespace of a kustomization.yaml",
                }
                proof = Evidence(f"there is {live}, and no Namespace/{written}", str(live))
                field = "spec.targetNamespace" if target == live.name else "metadata.name"
                yield Problem(
                    kustomization.ref,
                    facts,
                    evidence=(proof,),
                    field=field,
                    location=resource.at("metadata.name"),
                    key=written,
                )

"""A chart renders an object of a kind or version that no CRD of the cluster defines."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem

_MATCH = re.compile(r'no matches for kind "(?P<wanted>[^"]+)" in version "(?P<version>[^"/]+/[^"]+)"')
#: API groups of Kubernetes itself, which no CRD defines.
_BUILT_IN = (".k8s.io", "apps", "batch", "autoscaling", "policy", "extensions")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Read the CRDs: they serve the kind in another version, or not at all."""
    if not cluster.saw_all("CustomResourceDefinition"):
        return
    served = {
        (crd.text("spec.group"), crd.text("spec.names.kind")): [
            row.text("name") for row in crd.rows("spec.versions") if row.flag("served")
        ]
        for crd in cluster.all("CustomResourceDefinition")
    }
    for failure in failures.failed:
        match = next((m for w in failure.words if (m := _MATCH.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or failure.resource.has("spec.kubeConfig") or not match:
            continue
        kind = match["wanted"]
        group, _, version = match["version"].partition("/")
        versions = served.get((group, kind))
        if group.endswith(_BUILT_IN) or (versions is not None and version in versions):
            continue
        others = ", ".join(versions or ())
        proof = f"the CRD of {kind} serves {others}" if versions else f"no CRD of {group} defines the kind"
        facts = {
            "wanted": kind,
            "version": match["version"],
            "there": f"; its CRD serves {group}/{others}" if versions else "",
        }
        yield Problem(
            failure.ref,
            facts,
            evidence=(Evidence.field(proof, "CustomResourceDefinition"),),
            field="spec.values",
        )

"""A chart renders an object of a kind or version that no CRD of the cluster offers."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem

_MATCH = re.compile(r'no matches for kind "(?P<wanted>[^"]+)" in version "(?P<version>[^"/]+/[^"]+)"')
#: Groups of Kubernetes itself: no CRD tells of them.
_BUILT_IN = (".k8s.io", "apps", "batch", "autoscaling", "policy", "extensions")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Look at the CRDs: is the kind there in another version, or not at all."""
    if not cluster.saw_all("CustomResourceDefinition"):
        return
    served = {
        (crd.text("spec.group"), crd.text("spec.names.kind")): [
            r.text("name") for r in crd.rows("spec.versions") if r.flag("served")
        ]
        for crd in cluster.all("CustomResourceDefinition")
    }
    for failure in failures.failed:
        found = next((m for w in failure.words if (m := _MATCH.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or failure.resource.has("spec.kubeConfig") or not found:
            continue
        group, _, version = found["version"].partition("/")
        versions = served.get((group, found["wanted"]))
        if group.endswith(_BUILT_IN) or (versions is not None and version in versions):
            continue
        there = f"; it is served as {group}/{', '.join(versions)}" if versions else ""
        what = (
            f"the CRD of {found['wanted']} serves {', '.join(versions)}"
            if versions
            else f"no CRD of {group} has the kind"
        )
        facts = {"wanted": found["wanted"], "version": found["version"], "there": there}
        yield Problem(failure.ref, facts, evidence=(Evidence(what, "CustomResourceDefinition"),), field="spec.values")

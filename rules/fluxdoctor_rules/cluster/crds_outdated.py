"""The CRDs are older than the controllers: new fields are dropped or rejected."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem
from fluxdoctor_rules.shared import controllers

_GROUPS = (".toolkit.fluxcd.io", ".source.extensions.fluxcd.io")
_LABEL = re.compile(r"v?2\.(\d+)\.")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the version label that the manifests of Flux set on the CRDs with the release of the controllers."""
    releases = [
        c.flux for name in controllers.RELEASES for c in controllers.all_of(cluster, name) if c.flux is not None
    ]
    if not releases:
        return
    old = []
    for crd in cluster.all("CustomResourceDefinition"):
        match = _LABEL.match(crd.label("app.kubernetes.io/version"))
        if crd.name.endswith(_GROUPS) and match and int(match[1]) < min(releases):
            old.append(crd)
    if old:
        version = old[0].label("app.kubernetes.io/version")
        facts = {
            "count": str(len(old)),
            "crds": "1 CRD is" if len(old) == 1 else f"{len(old)} CRDs are",
            "version": version,
            "release": f"2.{min(releases)}",
        }
        yield Problem(
            old[0].ref,
            facts,
            (Evidence.field(f"label app.kubernetes.io/version: {version}", str(old[0].ref)),),
        )

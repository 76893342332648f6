"""Which Flux a cluster runs, as far as its repository tells."""

from __future__ import annotations

import re

from fluxdoctor.collect.worktree.walk import Reached

_EXACT = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)")


def found(reached: Reached) -> dict[str, str]:
    """Return the version of Flux: of its components in the tree, or what a FluxInstance asks for; {} when unknown."""
    for resource in reached.objects.values():
        part = resource.label("app.kubernetes.io/part-of") == "flux" and resource.kind in ("Namespace", "Deployment")
        version = resource.label("app.kubernetes.io/version")
        if part and resource.label("app.kubernetes.io/instance") in ("flux-system", "") and _EXACT.fullmatch(version):
            return {"flux": version}
    for resource in reached.objects.values():
        if resource.kind == "FluxInstance" and (wanted := _EXACT.fullmatch(resource.text("spec.distribution.version"))):
            return {"flux": f"v{wanted[1]}"}
    return {}

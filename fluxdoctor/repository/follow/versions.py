"""Which Flux a cluster runs, as far as its repository tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from fluxdoctor.model.snapshot import Versions

if TYPE_CHECKING:
    from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_EXACT = re.compile(r"[v~]?(\d+\.\d+(?:\.\d+)?)(?:\.[x*])?")
_GATE = re.compile(rb"StrictPostBuildSubstitutions=(true|false)")
_STRICT = (2, 9)


def found(reached: ClusterContents) -> dict[str, str]:
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


def is_strict(reached: ClusterContents) -> bool:
    """Tell whether a variable without value and default certainly fails a build in this cluster.

    A feature gate says so (kustomize-controller 1.3 to 1.9), else it is so since Flux 2.9. False where the version is not known.
    """
    for resource in reached.objects.values():
        if resource.kind == "FluxInstance" or resource.ref[::2] == ("Deployment", "kustomize-controller"):
            said = _GATE.findall(orjson.dumps({"spec": resource.get("spec")}))
            if said:
                return bool(said[-1] == b"true")
    version = Versions(found(reached)).of("flux")
    return version is not None and version >= _STRICT

"""Finds the version of Flux that a cluster runs, as far as its repository tells."""

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


def find(contents: ClusterContents) -> dict[str, str]:
    """Return {"flux": version}, from the labels of Flux's components or from a FluxInstance; {} if it is unknown."""
    for resource in contents.objects.values():
        is_part = resource.label("app.kubernetes.io/part-of") == "flux" and resource.kind in ("Namespace", "Deployment")
        version = resource.label("app.kubernetes.io/version")
        is_flux = is_part and resource.label("app.kubernetes.io/instance") in ("flux-system", "")
        if is_flux and _EXACT.fullmatch(version):
            return {"flux": version}
    for resource in contents.objects.values():
        if resource.kind == "FluxInstance" and (match := _EXACT.fullmatch(resource.text("spec.distribution.version"))):
            return {"flux": f"v{match[1]}"}
    return {}


def is_strict(contents: ClusterContents) -> bool:
    """Tell whether a variable without a value or a default certainly fails a build in this cluster.

    A feature gate decides (kustomize-controller 1.3 to 1.9); without one, Flux is strict since 2.9. False if the version is
    unknown.
    """
    for resource in contents.objects.values():
        if resource.kind == "FluxInstance" or resource.ref[::2] == ("Deployment", "kustomize-controller"):
            gates = _GATE.findall(orjson.dumps({"spec": resource.get("spec")}))
            if gates:
                return bool(gates[-1] == b"true")
    version = Versions(find(contents)).of("flux")
    return version is not None and version >= _STRICT

"""A kustomization file that kustomize refuses."""

import difflib
import posixpath
from collections.abc import Iterator

from fluxdoctor import FILE_NAMES, Cluster, Location, Manifests, Problem, Resource

from ._build import FIELDS, is_root, unbuilt, unknown

_VERSIONS = {
    "Kustomization": "kustomize.config.k8s.io/v1beta1",
    "Component": "kustomize.config.k8s.io/v1alpha1",
}


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Read the kustomization files as kustomize does: YAML, known fields, the right apiVersion."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        source = manifests.source(kustomization)
        found: list[tuple[Location, str]] = [
            (parsed.flaw.location, parsed.flaw.problem)
            for file, parsed in build.broken
            if parsed.flaw and posixpath.basename(file) in FILE_NAMES
        ]
        for body in build.kustomizations:
            found += _flaws(body, is_root(body, kustomization))
        for location, problem in found:
            yield Problem(
                kustomization.ref,
                {"where": str(location), "problem": problem},
                location=location,
                key=f"{location.file} {problem}",
                shared=f"{source} {location.file} {problem}",
            )


def _flaws(body: Resource, root: bool) -> Iterator[tuple[Location, str]]:
    place = Location(body.file)
    kind, version = body.text("kind") or "Kustomization", body.text("apiVersion")
    if kind not in _VERSIONS:
        yield body.at("kind") or place, f"kind {kind} should be Kustomization or Component"
    elif version and version != _VERSIONS[kind]:
        flux = ": this is a Flux object, and needs another file name" if ".toolkit.fluxcd.io/" in version else ""
        yield body.at("apiVersion") or place, f"apiVersion {version} should be {_VERSIONS[kind]}{flux}"
    else:
        for key in () if root else unknown(body):
            near = difflib.get_close_matches(key.lower(), FIELDS, 1)
            meant = f", did you mean {FIELDS[near[0]]}?" if near else ""
            yield body.at((key,)) or place, f"unknown field {key}{meant}"

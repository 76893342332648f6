"""A kustomization file that kustomize rejects."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import FILE_NAMES, Cluster, Location, Manifests, Problem, Resource, suggestion
from fluxdoctor_rules.kustomize._build import is_root, similar_fields, unbuilt, unknown

_VERSIONS = {
    "Kustomization": "kustomize.config.k8s.io/v1beta1",
    "Component": "kustomize.config.k8s.io/v1alpha1",
}


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Check the kustomization files as kustomize does: valid YAML, known fields, the correct apiVersion."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        source = manifests.source(kustomization)
        flaws: list[tuple[Location, str, str]] = [
            (parsed.flaw.location, parsed.flaw.problem, "YAML")
            for file, parsed in build.broken
            if parsed.flaw and posixpath.basename(file) in FILE_NAMES
        ]
        for body in build.kustomizations:
            flaws += _flaws(body)
            flaws += () if is_root(body, kustomization) else _unknown_fields(body)
        # The field is part of fingerprints that users keep: it does not follow the wording of the problem.
        for location, problem, field in flaws:
            yield Problem(
                kustomization.ref,
                {"where": str(location), "problem": problem, "path": kustomization.text("spec.path", "./")},
                location=location,
                key=f"{location.file} {field}",
                shared=f"{source} {location.file} {field}",
            )


def _flaws(body: Resource) -> Iterator[tuple[Location, str, str]]:
    """Yield the location, the text and the field of a wrong kind or apiVersion."""
    place = Location(body.file)
    kind, version = _kind(body), body.text("apiVersion")
    if kind not in _VERSIONS:
        problem = f"kind {kind} should be Kustomization or Component"
        yield body.at("kind") or place, problem, "kind"
    elif version and version != _VERSIONS[kind]:
        flux = ": this is a Flux object, and needs another file name" if ".toolkit.fluxcd.io/" in version else ""
        problem = f"apiVersion {version} should be {_VERSIONS[kind]}{flux}"
        yield body.at("apiVersion") or place, problem, "apiVersion"


def _unknown_fields(body: Resource) -> Iterator[tuple[Location, str, str]]:
    """Yield the location, the text and the name of each unknown field of a file with the correct apiVersion."""
    kind, version = _kind(body), body.text("apiVersion")
    if kind not in _VERSIONS or (version and version != _VERSIONS[kind]):
        return
    for field in unknown(body):
        place = body.at((field,)) or Location(body.file)
        yield place, f"unknown field {field}{suggestion(similar_fields(field))}", field


def _kind(body: Resource) -> str:
    return body.text("kind") or "Kustomization"

"""A manifest is not valid YAML."""

import posixpath
import re
from collections.abc import Iterator

from fluxdoctor import FILE_NAMES, Build, Cluster, Location, Manifests, Problem, Resource, Tree, condition
from fluxdoctor_rules.kustomize._build import unbuilt

#: kustomize (5.8) names the key, but not the file; the line is wrong if kustomize rewrote the document.
_DUPLICATE = re.compile(r'mapping key "(?P<key>[^"]*)" already defined')


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Report the invalid files of a build; kustomize/kustomization-invalid reports kustomization files."""
    for kustomization, tree, build in unbuilt(cluster, manifests):
        if duplicate := _duplicate_key(kustomization, tree, build):
            problem, where = duplicate
            yield Problem(
                kustomization.ref,
                {"where": str(where), "problem": problem},
                location=where,
                key=where.file,
                shared=f"{manifests.source(kustomization)} {where.file}",
            )
        for file, parsed in build.broken:
            if parsed.flaw is None or posixpath.basename(file) in FILE_NAMES:
                continue
            yield Problem(
                kustomization.ref,
                {"where": str(parsed.flaw.location), "problem": parsed.flaw.problem},
                location=parsed.flaw.location,
                key=file,
                shared=f"{manifests.source(kustomization)} {file}",
            )


def _duplicate_key(kustomization: Resource, tree: Tree, build: Build) -> tuple[str, Location] | None:
    """Return the problem of a duplicate key that kustomize reports, and the first location of such a key in the files."""
    ready = condition(kustomization, "Ready")
    match = _DUPLICATE.search(ready.message) if ready and ready.reason == "BuildFailed" else None
    files = (f for f in build.files if posixpath.basename(f) not in FILE_NAMES) if match else ()
    places = [place for file in files if (place := tree.parsed(file).repeated)]
    return (f"key {match['key']} is set twice", places[0]) if match and places else None

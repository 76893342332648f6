"""A manifest that is not YAML."""

import posixpath
import re
from collections.abc import Iterator

from fluxdoctor import FILE_NAMES, Build, Cluster, Location, Manifests, Problem, Resource, Tree, condition

from ._build import unbuilt

#: kustomize (5.8) names the key, and neither the file nor, where it has written the document anew, the right line.
_REPEATED = re.compile(r'mapping key "(?P<key>[^"]*)" already defined')


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Read the files that make up a build; kustomization files are another rule's business."""
    for kustomization, tree, build in unbuilt(cluster, manifests):
        if found := _repeated(kustomization, tree, build):
            problem, where = found
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


def _repeated(kustomization: Resource, tree: Tree, build: Build) -> tuple[str, Location] | None:
    """Return what kustomize says of a key that is given twice, and the one place in the files where that is."""
    ready = condition(kustomization, "Ready")
    said = _REPEATED.search(ready.message) if ready and ready.reason == "BuildFailed" else None
    files = (f for f in build.files if posixpath.basename(f) not in FILE_NAMES) if said else ()
    places = [place for file in files if (place := tree.parsed(file).repeated)]
    return (f"the key {said['key']} is given twice", places[0]) if said and places else None

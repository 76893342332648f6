"""A manifest that is not YAML."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import FILE_NAMES, Cluster, Manifests, Problem

from ._build import unbuilt


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Read the files that make up a build; kustomization files are another rule's business."""
    for kustomization, _, build in unbuilt(cluster, manifests):
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

"""A Kustomization's spec.path is a file."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Ref

from ._build import candidates


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look the path up in the source's files."""
    for kustomization, tree in candidates(cluster, manifests):
        path = kustomization.text("spec.path")
        if tree.is_file(path):
            parent = posixpath.dirname(posixpath.normpath(path))
            above = f", such as ./{parent}" if parent else ", such as ./ for the root"
            facts: dict[str, str | Ref] = {"path": path, "source": manifests.source(kustomization), "instead": above}
            yield Problem(kustomization.ref, facts, field="spec.path")

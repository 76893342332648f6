"""A Kustomization's spec.path is a file."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Ref
from fluxdoctor_rules.kustomize._build import candidates


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look up the path in the files of the source."""
    for kustomization, tree in candidates(cluster, manifests):
        path = kustomization.text("spec.path")
        if tree.is_file(path):
            parent = posixpath.dirname(posixpath.normpath(path))
            example = f", for example ./{parent}" if parent else ", for example ./ (the root of the source)"
            facts: dict[str, str | Ref] = {"path": path, "source": manifests.source(kustomization), "instead": example}
            yield Problem(kustomization.ref, facts, field="spec.path")

"""A sparse checkout that excludes the path of a Kustomization."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Resource, State, condition, state


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Find failing Kustomizations whose path is in the repository but in no directory of the sparse checkout."""
    for kustomization in cluster.active("Kustomization"):
        source, tree = manifests.source(kustomization), manifests.tree(kustomization)
        repository = cluster.get(source)
        if not repository or not tree or not _lacks_path(kustomization):
            continue
        path = posixpath.normpath("/" + kustomization.text("spec.path")).lstrip("/")
        directories = [posixpath.normpath("/" + d).lstrip("/") for d in repository.strings("spec.sparseCheckout")]
        if path and tree.is_directory(path) and directories and not _is_included(path, directories):
            facts = {"path": path, "listed": ", ".join(directories), "needed_by": str(kustomization.ref)}
            field, explains = "spec.sparseCheckout", (kustomization.ref,)
            yield Problem(source, facts, field=field, key=path, explains=explains)


def _lacks_path(kustomization: Resource) -> bool:
    """Tell whether kustomize-controller did not find the path; for a manifest in a repository, assume it."""
    current, ready = state(kustomization), condition(kustomization, "Ready")
    if kustomization.file:
        return True
    return current is State.FAILED and ready is not None and ready.reason == "ArtifactFailed"


def _is_included(path: str, directories: list[str]) -> bool:
    """Tell whether a directory is the path, above it or below it; git compares it as the beginning of a name."""
    return any(path.startswith(d) or d.startswith(path + "/") for d in directories)

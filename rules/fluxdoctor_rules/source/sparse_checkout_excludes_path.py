"""spec.sparseCheckout leaves out the path of a Kustomization."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Resource, State, condition, state


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """The path is in the repository, the Kustomization misses it, and no directory of the sparse checkout holds it."""
    for kustomization in cluster.all("Kustomization"):
        source, tree = manifests.source(kustomization), manifests.tree(kustomization)
        repository = cluster.get(source)
        if not repository or not tree or not _misses(kustomization):
            continue
        path = posixpath.normpath("/" + kustomization.text("spec.path")).lstrip("/")
        listed = [posixpath.normpath("/" + d).lstrip("/") for d in repository.strings("spec.sparseCheckout")]
        if path and tree.is_directory(path) and listed and not _held(path, listed):
            facts = {"path": path, "listed": ", ".join(listed), "needed_by": str(kustomization.ref)}
            field, explains = "spec.sparseCheckout", (kustomization.ref,)
            yield Problem(source, facts, field=field, key=path, explains=explains)


def _misses(kustomization: Resource) -> bool:
    """The controller says so; of one that is read from a repository, the repository does."""
    said, ready = state(kustomization), condition(kustomization, "Ready")
    if kustomization.file:
        return said is not State.SUSPENDED
    return said is State.FAILED and ready is not None and ready.reason == "ArtifactFailed"


def _held(path: str, listed: list[str]) -> bool:
    """A listed directory is the path, above it or below it; git takes it as the beginning of a name."""
    return any(path.startswith(d) or d.startswith(path + "/") for d in listed)

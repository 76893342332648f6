"""A Kustomization's spec.path is not in the tree of its source."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Ref, Resource, Tree

from ._build import candidates


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look into the source's files; a path that is a file, or that is ignored, is another rule's business."""
    for kustomization, tree in candidates(cluster, manifests):
        path = kustomization.text("spec.path")
        if not tree.is_directory(path) and not tree.is_file(path):
            yield _missing(kustomization, tree, path, manifests)


def _missing(kustomization: Resource, tree: Tree, path: str, manifests: Manifests) -> Problem:
    near = _near(tree, path)
    facts: dict[str, str | Ref] = {
        "path": path,
        "source": manifests.source(kustomization),
        "nearest": "",
        "instead": "",
    }
    if "${" in path:
        facts["nearest"] = (
            "; nothing replaces the variable: that is up to postBuild of the Kustomization that applies this one"
        )
    elif near:
        facts["nearest"] = f"; the nearest is {near[0]}"
        facts["instead"] = f", such as {', '.join(near)}"
    return Problem(kustomization.ref, facts, field="spec.path")


def _near(tree: Tree, path: str) -> tuple[str, ...]:
    wanted = path.replace("\\", "/").removeprefix("./").strip("/").lower()
    same = [p for p in sorted(tree.directories) if p and p.lower() == wanted]
    return tuple(f"./{p}" for p in same or tree.nearest(path.replace("\\", "/")))

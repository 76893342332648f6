"""A Kustomization's spec.path is not in the artifact of its source."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Ref, Resource, Tree, suggestion
from fluxdoctor_rules.kustomize._build import candidates


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look up the path in the files of the source. Other rules cover a path that is a file, or that is ignored."""
    for kustomization, tree in candidates(cluster, manifests):
        path = kustomization.text("spec.path")
        if not tree.is_directory(path) and not tree.is_file(path):
            yield _missing(kustomization, tree, path, manifests)


def _missing(kustomization: Resource, tree: Tree, path: str, manifests: Manifests) -> Problem:
    similar = _similar(tree, path)
    facts: dict[str, str | Ref] = {
        "path": path,
        "source": manifests.source(kustomization),
        "hint": "",
        "instead": "",
    }
    if "${" in path:
        facts["hint"] = (
            "; nothing replaces the variable: only postBuild of the Kustomization that applies this one can replace it"
        )
    elif similar:
        facts["hint"] = suggestion(similar)
        facts["instead"] = f", for example {similar[0]}"
    return Problem(kustomization.ref, facts, field="spec.path")


def _similar(tree: Tree, path: str) -> tuple[str, ...]:
    """Return the directories that differ in case or separators only; if there are none, those with a similar path."""
    plain = path.replace("\\", "/").removeprefix("./").strip("/").lower()
    same = [p for p in sorted(tree.directories) if p and p.lower() == plain]
    return tuple(f"./{p}" for p in same or tree.nearest(path.replace("\\", "/")))

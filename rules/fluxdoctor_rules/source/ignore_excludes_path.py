"""An ignore rule that excludes files from the artifact although a Kustomization needs them."""

import posixpath
import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Location, Manifests, Problem, Ref, Resource, Tree, condition

_FILE = re.compile(r"(?<!\S)(?P<file>\S*\.sourceignore):(?P<line>\d+): (?P<pattern>.*)")


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Find the ignore rule that excludes the path of a Kustomization, or a file in its kustomization.yaml."""
    for kustomization in cluster.active("Kustomization"):
        tree, source = manifests.tree(kustomization), manifests.source(kustomization)
        if tree is None or not tree.excluded:
            continue
        for path in _needed_paths(kustomization, tree, manifests):
            exclusion = tree.hidden_by(path)
            # A .sourceignore file is part of the revision. spec.ignore is not: it can change after the revision was applied.
            if exclusion and (_is_unbuilt(kustomization) or exclusion.startswith("spec.ignore")):
                yield _problem(kustomization.ref, source, path, exclusion)
                break


def _is_unbuilt(kustomization: Resource) -> bool:
    ready = condition(kustomization, "Ready")
    return ready is not None and ready.status == "False" and ready.reason in ("ArtifactFailed", "BuildFailed")


def _needed_paths(kustomization: Resource, tree: Tree, manifests: Manifests) -> Iterator[str]:
    root = posixpath.normpath("/" + kustomization.text("spec.path")).lstrip("/")
    yield root
    build = manifests.build(kustomization)
    for body in build.kustomizations if build else ():
        yield from body.memo(_entries, tree)


def _entries(body: Resource, tree: Tree) -> tuple[str, ...]:
    return tuple(_existing_entries(body, tree))


def _existing_entries(body: Resource, tree: Tree) -> Iterator[str]:
    folder = posixpath.dirname(body.file)
    for text in (*body.strings("resources"), *body.strings("bases"), *body.strings("components")):
        path = posixpath.normpath(posixpath.join(folder, text))
        if "://" not in text and (tree.is_file(path) or tree.is_directory(path)):
            yield path


def _problem(needed_by: Ref, source: Ref, path: str, exclusion: str) -> Problem:
    match = _FILE.fullmatch(exclusion)
    if match:
        location = Location(match["file"], int(match["line"]))
        facts = {"rule": str(location), "pattern": match["pattern"], "where": match["file"]}
    else:
        where, _, pattern = exclusion.partition(": ")
        location = None
        by_default = {"rule": f"the default exclusion {pattern} of source-controller", "where": "spec.ignore"}
        facts = {
            "rule": where,
            "pattern": pattern,
            "where": where,
            **(by_default if where == "default" else {}),
        }
    facts |= {"path": path or "./", "needed_by": str(needed_by)}
    return Problem(source, facts, field="spec.ignore", location=location, key=path, explains=(needed_by,))

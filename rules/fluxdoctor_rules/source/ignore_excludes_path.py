"""An ignore rule keeps files out of the artifact that a Kustomization needs."""

import posixpath
import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Location, Manifests, Problem, Ref, Resource, State, Tree, condition, state

_FILE = re.compile(r"(?P<file>\S*\.sourceignore):(?P<line>\d+): (?P<pattern>.*)")


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look which ignore rule hides a Kustomization's path, or a file that its kustomization files list."""
    for kustomization in cluster.all("Kustomization"):
        tree, source = manifests.tree(kustomization), manifests.source(kustomization)
        if tree is None or not tree.excluded or state(kustomization) is State.SUSPENDED:
            continue
        for path in _needed(kustomization, tree, manifests):
            hidden = tree.hidden_by(path)
            # A .sourceignore is part of the revision; spec.ignore is not, and so can come after the revision was applied.
            if hidden and (_unbuilt(kustomization) or hidden.startswith("spec.ignore")):
                yield _problem(kustomization.ref, source, path, hidden)
                break


def _unbuilt(kustomization: Resource) -> bool:
    ready = condition(kustomization, "Ready")
    return ready is not None and ready.status == "False" and ready.reason in ("ArtifactFailed", "BuildFailed")


def _needed(kustomization: Resource, tree: Tree, manifests: Manifests) -> Iterator[str]:
    root = posixpath.normpath("/" + kustomization.text("spec.path")).lstrip("/")
    yield root
    build = manifests.build(kustomization)
    for body in build.kustomizations if build else ():
        yield from body.once("entries in the tree", lambda listing: tuple(_listed(listing, tree)))


def _listed(body: Resource, tree: Tree) -> Iterator[str]:
    folder = posixpath.dirname(body.file)
    for text in (*body.strings("resources"), *body.strings("bases"), *body.strings("components")):
        path = posixpath.normpath(posixpath.join(folder, text))
        if "://" not in text and (tree.is_file(path) or tree.is_directory(path)):
            yield path


def _problem(needed_by: Ref, source: Ref, path: str, hidden: str) -> Problem:
    found = _FILE.fullmatch(hidden)
    if found:
        location = Location(found["file"], int(found["line"]))
        facts = {"rule": str(location), "pattern": found["pattern"], "where": found["file"]}
    else:
        where, _, pattern = hidden.partition(": ")
        location = None
        by_default = {"rule": f"the controller's own exclusion {pattern}", "where": "spec.ignore"}
        facts = {
            "rule": where,
            "pattern": pattern,
            "where": where,
            **(by_default if where == "default" else {}),
        }
    facts |= {"path": path or "./", "needed_by": str(needed_by)}
    return Problem(source, facts, field="spec.ignore", location=location, key=path, explains=(needed_by,))

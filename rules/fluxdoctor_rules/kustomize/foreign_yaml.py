"""A path without a kustomization file includes YAML files of other tools."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import FILE_NAMES, Cluster, Manifests, Problem, State, Tree, clean, condition, state
from fluxdoctor_rules.kustomize._build import candidates

#: Directories and files of other tools, and their descriptions.
_FOREIGN = (
    ("Chart.yaml", "a Helm chart"),
    (".github/", "a GitHub workflow"),
    (".gitlab-ci.yml", "a GitLab pipeline"),
    ("docker-compose.yml", "a Compose file"),
    ("docker-compose.yaml", "a Compose file"),
    ("mkdocs.yml", "a MkDocs file"),
    ("azure-pipelines.yml", "an Azure pipeline"),
)


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Report the file of another tool that fails the build: without a kustomization file, every YAML file is read."""
    for kustomization, tree in candidates(cluster, manifests):
        ready, path = condition(kustomization, "Ready"), clean(kustomization.text("spec.path"))
        has_failed = state(kustomization) is State.FAILED and ready is not None and ready.reason == "BuildFailed"
        if not has_failed or not tree.is_directory(path) or _has_file(tree, path):
            continue
        message = " ".join(ready.message.split()) if ready else ""
        file, what = next((f for f in _foreign(tree, path) if _is_named(f[0], message)), ("", ""))
        if file:
            facts = {"path": f"./{path}", "file": file, "what": what}
            yield Problem(kustomization.ref, facts, field="spec.path")


def _has_file(tree: Tree, directory: str) -> bool:
    return any(tree.is_file(posixpath.join(directory, name)) for name in FILE_NAMES)


def _foreign(tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    # A directory with its own kustomization file includes only the files that this file lists.
    with_file = {d for d in tree.directories if d != path and _has_file(tree, d)}
    for file in tree.under(path):
        inside = file[len(path) :].lstrip("/")
        if file in tree.excluded or not file.endswith((".yaml", ".yml")):
            continue
        what = next((w for mark, w in _FOREIGN if f"/{mark}" in f"/{inside}"), "")
        if what and not _is_inside(file, with_file):
            yield file, what


def _is_named(file: str, message: str) -> bool:
    """Tell whether the error of the controller names a file; for a chart it can name any file next to Chart.yaml or below."""
    directory, _, name = file.rpartition("/")
    return file in message or (name == "Chart.yaml" and bool(directory) and f"{directory}/" in message)


def _is_inside(file: str, directories: set[str]) -> bool:
    parent = posixpath.dirname(file)
    while parent:
        if parent in directories:
            return True
        parent = posixpath.dirname(parent)
    return False

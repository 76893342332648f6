"""A path without kustomization file takes in YAML that is not meant for it."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import FILE_NAMES, Cluster, Manifests, Problem, State, Tree, clean, condition, state

from ._build import candidates

#: Directories and files of other tools, and what they are.
_FOREIGN = (
    ("Chart.yaml", "a Helm chart"),
    (".github/", "workflows of GitHub"),
    (".gitlab-ci.yml", "a pipeline of GitLab"),
    ("docker-compose.yml", "a Compose file"),
    ("docker-compose.yaml", "a Compose file"),
    ("mkdocs.yml", "a file of MkDocs"),
    ("azure-pipelines.yml", "a pipeline of Azure"),
)


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Where such a build failed, look for files of other tools below the path: the controller reads every YAML file there."""
    for kustomization, tree in candidates(cluster, manifests):
        ready, path = condition(kustomization, "Ready"), clean(kustomization.text("spec.path"))
        failed = state(kustomization) is State.FAILED and ready is not None and ready.reason == "BuildFailed"
        if not failed or not tree.is_directory(path) or _has_file(tree, path):
            continue
        said = " ".join(ready.message.split()) if ready else ""
        file, what = next((f for f in _foreign(tree, path) if _is_named(f[0], said)), ("", ""))
        if file:
            facts = {"path": f"./{path}", "file": file, "what": what}
            yield Problem(kustomization.ref, facts, field="spec.path")


def _has_file(tree: Tree, directory: str) -> bool:
    return any(tree.is_file(posixpath.join(directory, name)) for name in FILE_NAMES)


def _foreign(tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    # A directory with its own kustomization file is built by that file: what it does not list is not read.
    own = {d for d in tree.directories if d != path and _has_file(tree, d)}
    for file in tree.under(path):
        inside = file[len(path) :].lstrip("/")
        if file in tree.excluded or not file.endswith((".yaml", ".yml")):
            continue
        what = next((w for mark, w in _FOREIGN if f"/{mark}" in f"/{inside}"), "")
        if what and not _is_inside(file, own):
            yield file, what


def _is_named(file: str, message: str) -> bool:
    """The controller names the file that it could not read; of a chart that can be any file beside Chart.yaml or below."""
    directory, _, name = file.rpartition("/")
    return file in message or (name == "Chart.yaml" and bool(directory) and f"{directory}/" in message)


def _is_inside(file: str, directories: set[str]) -> bool:
    parent = posixpath.dirname(file)
    while parent:
        if parent in directories:
            return True
        parent = posixpath.dirname(parent)
    return False

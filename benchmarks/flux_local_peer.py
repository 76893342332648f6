"""`flux-local` on the clusters of a repository: what it takes, and which Kustomizations and HelmReleases it reaches.

flux-local (7.11) wants a folder of files with Flux Kustomizations, in a git repository whose root is the root of the
artifact. Each cluster is therefore given a folder with the one Kustomization that `fluxdoctor check` begins with too:
both begin at the same place, also where a repository's entry point stands elsewhere or is made by kustomize.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fluxdoctor.collect.worktree.repository import Repository
from fluxdoctor.collect.worktree.walk import Reached

_FOLDER = ".entry-of-the-benchmark"
_SECONDS = 300
_KINDS = {"kustomizations": "Kustomization", "helm_releases": "HelmRelease"}


@dataclass(frozen=True)
class Run:
    """One cluster: the wall time in seconds, the objects reached (kind, namespace, name), and why it failed."""

    cluster: str
    seconds: float
    reached: frozenset[tuple[str, str, str]]
    error: str


def run(program: str, held: Repository, clusters: Iterable[Reached]) -> Iterator[Run]:
    """Let flux-local render one cluster after the other; it knows of one at a time."""
    with tempfile.TemporaryDirectory() as folder:
        trees: dict[str, Path] = {}
        for number, reached in enumerate(clusters):
            root = reached.entry.root
            if root not in trees:
                trees[root] = Path(folder) / f"tree-{len(trees)}"
                _write(trees[root], root, held)
            entry = trees[root] / _FOLDER / str(number)
            entry.mkdir(parents=True)
            (entry / "kustomization-of-the-cluster.yaml").write_text(json.dumps(_entry(reached)))
            _commit(trees[root])
            yield _one(program, trees[root], reached.entry.name, f"{_FOLDER}/{number}")


def _write(tree: Path, root: str, held: Repository) -> None:
    prefix = f"{root}/" if root else ""
    for path, content in held.files.items():
        if path.startswith(prefix):
            at = tree / path.removeprefix(prefix)
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(content)
    subprocess.run(["git", "init", "-q", str(tree)], check=True, capture_output=True)  # noqa: S603, S607


def _commit(tree: Path) -> None:
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com")
    for command in (("add", "-A", "-f"), (*who, "commit", "-q", "-m", "tree")):
        subprocess.run(["git", "-C", str(tree), *command], check=True, capture_output=True)  # noqa: S603, S607


def _entry(reached: Reached) -> dict[str, object]:
    held = reached.entry.kustomization
    spec = {"interval": "10m", "prune": True, **{k: v for k, v in held.body["spec"].items() if k != "kubeConfig"}}
    spec["path"] = f"./{held.text('spec.path').removeprefix('./')}"
    # An entry that nothing declares is called like its path: no name for an object.
    metadata = {"name": held.name if "/" not in held.name else "cluster", "namespace": held.namespace or "flux-system"}
    return {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": metadata, "spec": spec}


def _one(program: str, tree: Path, cluster: str, path: str) -> Run:
    output = tree.parent / "output.json"
    output.unlink(missing_ok=True)
    command = [
        program,
        "get",
        "cluster",
        "--all-namespaces",
        "--path",
        path,
        "-o",
        "json",
        "--output-file",
        str(output),
    ]
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        return Run(cluster, time.monotonic() - started, frozenset(), f"not done after {_SECONDS} s")
    seconds = time.monotonic() - started
    said = [line for line in done.stderr.splitlines() if "rror" in line and not line.startswith(" ")]
    error = "" if done.returncode == 0 and output.exists() else (said or ["failed"])[-1]
    found = frozenset(_objects(json.loads(output.read_text()))) if not error else frozenset()
    return Run(cluster, seconds, found, error)


def _objects(written: dict[str, list[dict[str, object]]]) -> Iterator[tuple[str, str, str]]:
    todo: list[object] = [*written.get("clusters", ())]
    while todo:
        held = todo.pop()
        for key, kind in _KINDS.items() if isinstance(held, dict) else ():
            for row in held.get(key) or ():
                yield kind, str(row.get("namespace")), str(row.get("name"))
                todo.append(row)

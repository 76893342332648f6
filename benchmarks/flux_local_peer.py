"""`flux-local` on the clusters of a repository: what it takes, and which Kustomizations and HelmReleases it reaches.

flux-local (7.11) wants a folder of files with Flux Kustomizations, in a git repository whose root is the root of the
artifact. Each cluster is therefore given a folder with the one Kustomization that `fluxdoctor check` begins with too:
both begin at the same place, also where a repository's entry point stands elsewhere or is made by kustomize. Remote
bases are taken out of the files, as `check` does before it builds, so that neither waits for a network; folders that are
missing are passed over (`--skip-invalid-kustomization-paths`), for otherwise it ends at the first.
"""

from __future__ import annotations

import json
import posixpath
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fluxdoctor.intake.tree import tree_of
from fluxdoctor.model.manifests import FILE_NAMES
from fluxdoctor.model.tree import clean
from fluxdoctor.repository.build import build_inputs
from fluxdoctor.repository.files.repository import Repository
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_FOLDER = ".entry-of-the-benchmark"
_SECONDS = 300
_KINDS = {"kustomizations": "Kustomization", "helm_releases": "HelmRelease"}


@dataclass(frozen=True)
class Run:
    """One cluster: the wall time and CPU time in seconds, the objects reached (kind, namespace, name), why it failed."""

    cluster: str
    seconds: float
    cpu: float
    reached: frozenset[tuple[str, str, str]]
    error: str


def run(program: str, held: Repository, clusters: Iterable[ClusterContents]) -> Iterator[Run]:
    """Let flux-local render one cluster after the other; it knows of one at a time."""
    with tempfile.TemporaryDirectory() as top:
        trees: dict[str, Path] = {}
        for number, reached in enumerate(clusters):
            root = reached.entry.root
            if root not in trees:
                trees[root] = Path(top) / f"tree-{len(trees)}"
                _write(trees[root], root, held)
            entry = trees[root] / _FOLDER / str(number)
            entry.mkdir(parents=True)
            (entry / "kustomization-of-the-cluster.yaml").write_text(json.dumps(_entry(reached)))
            _commit(trees[root])
            # Of an OCIRepository it has to be told that it is these files.
            source = reached.entry.source
            told = [] if source.kind == "GitRepository" else ["--sources", f"{source.name}=."]
            yield _one([program, "get", "cluster", *told], trees[root], reached.entry.name, f"{_FOLDER}/{number}")


def _write(tree: Path, root: str, held: Repository) -> None:
    prefix = f"{root}/" if root else ""
    read = tree_of(held.files, None)
    for path, content in held.files.items():
        if path.startswith(prefix):
            at = tree / path.removeprefix(prefix)
            at.parent.mkdir(parents=True, exist_ok=True)
            bodies = read.parsed(path).documents if posixpath.basename(path) in FILE_NAMES else ()
            local = _local(bodies[0].body) if bodies and isinstance(bodies[0].body, dict) else None
            at.write_bytes(json.dumps(local).encode() if local else content)
    subprocess.run(["git", "init", "-q", str(tree)], check=True, capture_output=True)  # noqa: S603, S607


def _local(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return a kustomization file without its remote bases and what patches them; None where it has none."""
    local, changed = build_inputs.offline(body)
    return (
        build_inputs.never_empty({k: v for k, v in local.items() if not k.startswith("patches")}) if changed else None
    )


def _commit(tree: Path) -> None:
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com")
    for command in (("add", "-A", "-f"), (*who, "commit", "-q", "-m", "tree")):
        subprocess.run(["git", "-C", str(tree), *command], check=True, capture_output=True)  # noqa: S603, S607


def _entry(reached: ClusterContents) -> dict[str, object]:
    begun = reached.entry.kustomization
    path = clean(begun.text("spec.path"))
    # What the cluster declares of its own beginning goes before what stands for it: it has the variables.
    same = (r for r in reached.objects.values() if r.kind == "Kustomization" and clean(r.text("spec.path")) == path)
    held = next((r for r in same if r.has("spec.postBuild") and r.file != begun.file), begun)
    spec = {"interval": "10m", "prune": True, **{k: v for k, v in held.body["spec"].items() if k != "kubeConfig"}}
    spec["path"] = f"./{path}"
    # An entry that nothing declares is called like its path: no name for an object.
    metadata = {"name": held.name if "/" not in held.name else "cluster", "namespace": held.namespace or "flux-system"}
    return {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": metadata, "spec": spec}


def _one(command: list[str], tree: Path, cluster: str, path: str) -> Run:
    output = tree.parent / "output.json"
    output.unlink(missing_ok=True)
    command += ["-A", "--path", path, "--skip-invalid-kustomization-paths", "-o", "json", "--output-file", str(output)]
    started, before = time.monotonic(), children()
    try:
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        return Run(
            cluster, time.monotonic() - started, children() - before, frozenset(), f"not done after {_SECONDS} s"
        )
    seconds, cpu = time.monotonic() - started, children() - before
    said = next((line for line in done.stderr.splitlines() if line.startswith("flux-local error")), "")
    if said or done.returncode or not output.exists():
        return Run(cluster, seconds, cpu, frozenset(), said or f"exit code {done.returncode}")
    return Run(cluster, seconds, cpu, frozenset(_objects(json.loads(output.read_text()))), "")


def children() -> float:
    """Return the CPU time, in seconds, of the processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _objects(written: dict[str, list[dict[str, object]]]) -> Iterator[tuple[str, str, str]]:
    todo: list[object] = [*written.get("clusters", ())]
    while todo:
        held = todo.pop()
        for key, kind in _KINDS.items() if isinstance(held, dict) else ():
            for row in held.get(key) or ():
                yield kind, str(row.get("namespace")), str(row.get("name"))
                todo.append(row)

"""Measures `fluxdoctor check` on a repository: cold, warm after a change, and plain `kustomize build` of the same paths.

    python benchmarks/check.py GIT_DIRECTORY COMMIT [--flux-local PROGRAM]

All in one run on one machine; only the ratios are comparable between machines. `--flux-local` also compares with that program
(from PyPI, needs Python 3.13, and kustomize, helm and flux on PATH): `flux-local get cluster` of each cluster, one after the
other, against one `fluxdoctor check` of all in a new process without its cache, and the objects that each reaches.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import flux_local_peer

from fluxdoctor import rule
from fluxdoctor.app import check
from fluxdoctor.repository import collect
from fluxdoctor.repository.build import kustomize
from fluxdoctor.repository.files import repository
from fluxdoctor.repository.files.repository import Repository
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_MOST_SHOWN = 5


def main() -> int:
    """Print the times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path)
    parser.add_argument("commit")
    parser.add_argument("--flux-local", metavar="PROGRAM", default="")
    options = parser.parse_args()
    gc.disable()  # as the command line does
    repo = repository.of_revision(options.repository, options.commit)
    catalogue = rule.installed()
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as tree:
        cold_seconds = _timed(
            lambda: check.check(repo, catalogue, check.CheckOptions(cache=Path(cache)))
        )  # first, before anything is cached in memory
        clusters = collect.collect(repo).reached
        paths = _paths(clusters)
        for path, content in repo.files.items():
            (Path(tree) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(tree) / path).write_bytes(content)
        plain_seconds = _timed(lambda: _plain(Path(tree), paths))
        changed_path = next(p for p in sorted(repo.files) if p.endswith(".yaml") and paths[-1] in p)
        changed_files = replace(repo, files={**repo.files, changed_path: repo.files[changed_path] + b"\n# changed\n"})
        warm_seconds = _timed(lambda: check.check(changed_files, catalogue, check.CheckOptions(cache=Path(cache))))
    print(f"{len(repo.files)} files, {len(paths)} paths")
    print(f"plain kustomize build, {os.cpu_count()} at a time: {plain_seconds:.2f} s")
    print(f"cold: {cold_seconds:.2f} s, {cold_seconds / plain_seconds:.2f} times plain")
    print(f"warm, one file changed: {warm_seconds:.2f} s, {warm_seconds / cold_seconds:.2f} of cold")
    if options.flux_local:
        _compare(options.flux_local, repo, clusters, options.repository, options.commit)
    return 0


def _compare(program: str, repo: Repository, clusters: Iterable[ClusterContents], git: Path, commit: str) -> None:
    """Print the time of flux-local for each cluster, and the objects that each program reached."""
    runs = list(flux_local_peer.run(program, repo, clusters))
    command = [
        sys.executable,
        "-m",
        "fluxdoctor",
        "check",
        str(git),
        "--revision",
        commit,
        "--no-cache",
        "--format",
        "json",
    ]
    cpu_before = flux_local_peer.children()
    fluxdoctor_seconds = _timed(lambda: subprocess.run(command, capture_output=True, check=False))  # noqa: S603
    fluxdoctor_cpu = flux_local_peer.children() - cpu_before
    for run, cluster in zip(runs, clusters, strict=True):
        entry_refs = {(r.kind, r.namespace, r.name) for r in (cluster.entry.kustomization.ref,)}
        fluxdoctor_refs = {
            (r.kind, r.namespace, r.name) for r in cluster.objects if r.kind in ("Kustomization", "HelmRelease")
        } - entry_refs
        flux_local_refs = {*run.reached} - entry_refs - {("Kustomization", cluster.entry.source.namespace, "cluster")}
        print(
            f"{run.cluster}: flux-local {run.seconds:.2f} s, reached {len(flux_local_refs)}, "
            f"both {len(fluxdoctor_refs & flux_local_refs)}, fluxdoctor {len(fluxdoctor_refs)} {run.error}"
        )
        for extra, name in (
            (fluxdoctor_refs - flux_local_refs, "fluxdoctor"),
            (flux_local_refs - fluxdoctor_refs, "flux-local"),
        ):
            if extra and not run.error:
                print(f"  only {name}: {', '.join('/'.join(o) for o in sorted(extra)[:_MOST_SHOWN])}")
    for unit, flux_local_total, fluxdoctor_total in (
        ("wall", sum(r.seconds for r in runs), fluxdoctor_seconds),
        ("CPU", sum(r.cpu for r in runs), fluxdoctor_cpu),
    ):
        print(
            f"{unit}: flux-local {flux_local_total:.2f} s, fluxdoctor check {fluxdoctor_total:.2f} s: "
            f"{flux_local_total / fluxdoctor_total:.1f} times faster"
        )


def _paths(clusters: Iterable[ClusterContents]) -> list[str]:
    """Return the folders that Kustomizations build."""
    return sorted({f"{cluster.entry.root}/{f}".lstrip("/") or "." for cluster in clusters for f in cluster.folders})


def _plain(tree: Path, paths: list[str]) -> None:
    command = [*kustomize.command(), "--load-restrictor", "LoadRestrictionsNone"]
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "GIT_ALLOW_PROTOCOL": "none"}

    def build(path: str) -> None:
        subprocess.run([*command, str(tree / path)], capture_output=True, check=False, env=environment)  # noqa: S603

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        list(pool.map(build, paths))


def _timed(function: Callable[[], object]) -> float:
    started = time.monotonic()
    function()
    return time.monotonic() - started


if __name__ == "__main__":
    raise SystemExit(main())

"""How long `fluxdoctor check` takes on a repository: cold, warm after a change, and plain `kustomize build` of the same paths.

    python benchmarks/check.py GIT_DIRECTORY COMMIT [--flux-local PROGRAM]

All in one run on one machine; only the ratios mean something elsewhere. `--flux-local` compares with that program (from
PyPI, needs Python 3.13, and kustomize, helm and flux on PATH) too: `flux-local get cluster` of each cluster, one after the
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
    given = parser.parse_args()
    gc.disable()  # as the command line does
    held = repository.of_revision(given.repository, given.commit)
    catalogue = rule.installed()
    with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as tree:
        cold = _timed(lambda: check.check(held, catalogue, check.CheckOptions(cache=Path(kept))))  # nothing read before
        reached = collect.collect(held).reached
        paths = _paths(reached)
        for path, content in held.files.items():
            (Path(tree) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(tree) / path).write_bytes(content)
        plain = _timed(lambda: _plain(Path(tree), paths))
        changed = next(p for p in sorted(held.files) if p.endswith(".yaml") and paths[-1] in p)
        after = replace(held, files={**held.files, changed: held.files[changed] + b"\n# changed\n"})
        warm = _timed(lambda: check.check(after, catalogue, check.CheckOptions(cache=Path(kept))))
    print(f"{len(held.files)} files, {len(paths)} paths")
    print(f"plain kustomize build, {os.cpu_count()} at a time: {plain:.2f} s")
    print(f"cold: {cold:.2f} s, {cold / plain:.2f} times plain")
    print(f"warm, one file changed: {warm:.2f} s, {warm / cold:.2f} of cold")
    if given.flux_local:
        _compare(given.flux_local, held, reached, given.repository, given.commit)
    return 0


def _compare(program: str, held: Repository, reached: Iterable[ClusterContents], git: Path, commit: str) -> None:
    """Print what flux-local took for each cluster, and what each program reached."""
    runs = list(flux_local_peer.run(program, held, reached))
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
    before = flux_local_peer.children()
    ours = _timed(lambda: subprocess.run(command, capture_output=True, check=False))  # noqa: S603
    cpu = flux_local_peer.children() - before
    for run, one in zip(runs, reached, strict=True):
        begun = {(r.kind, r.namespace, r.name) for r in (one.entry.kustomization.ref,)}
        mine = {
            (r.kind, r.namespace, r.name) for r in one.objects if r.kind in ("Kustomization", "HelmRelease")
        } - begun
        theirs = {*run.reached} - begun - {("Kustomization", one.entry.source.namespace, "cluster")}
        print(
            f"{run.cluster}: flux-local {run.seconds:.2f} s, reached {len(theirs)}, both {len(mine & theirs)}, "
            f"fluxdoctor {len(mine)} {run.error}"
        )
        for only, who in ((mine - theirs, "fluxdoctor"), (theirs - mine, "flux-local")):
            if only and not run.error:
                print(f"  only {who}: {', '.join('/'.join(o) for o in sorted(only)[:_MOST_SHOWN])}")
    for unit, theirs_all, mine_all in (
        ("wall", sum(r.seconds for r in runs), ours),
        ("CPU", sum(r.cpu for r in runs), cpu),
    ):
        print(
            f"{unit}: flux-local {theirs_all:.2f} s, fluxdoctor check {mine_all:.2f} s: {theirs_all / mine_all:.1f} times faster"
        )


def _paths(reached: Iterable[ClusterContents]) -> list[str]:
    """The folders that Kustomizations build, by a walk of its own."""
    return sorted({f"{r.entry.root}/{f}".lstrip("/") or "." for r in reached for f in r.folders})


def _plain(tree: Path, paths: list[str]) -> None:
    command = [*kustomize.command(), "--load-restrictor", "LoadRestrictionsNone"]
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "GIT_ALLOW_PROTOCOL": "none"}

    def build(path: str) -> None:
        subprocess.run([*command, str(tree / path)], capture_output=True, check=False, env=environment)  # noqa: S603

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        list(pool.map(build, paths))


def _timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


if __name__ == "__main__":
    raise SystemExit(main())

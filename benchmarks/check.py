"""How long `fluxdoctor check` takes on a repository: cold, warm after a change, and plain `kustomize build` of the same paths.

    python benchmarks/check.py GIT_DIRECTORY COMMIT

All in one run on one machine; only the ratios mean something elsewhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from fluxdoctor import predeploy, rule
from fluxdoctor.collect.worktree import collect, kustomize, repository
from fluxdoctor.collect.worktree.repository import Repository


def main() -> int:
    """Print the times and their ratios."""
    held = repository.of_revision(Path(sys.argv[1]), sys.argv[2])
    catalogue = rule.installed()
    with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as tree:
        paths = _paths(held)
        for path, content in held.files.items():
            (Path(tree) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(tree) / path).write_bytes(content)
        plain = _timed(lambda: _plain(Path(tree), paths))
        cold = _timed(lambda: predeploy.check(held, catalogue, cache=Path(kept)))
        changed = next(p for p in sorted(held.files) if p.endswith(".yaml") and paths[-1] in p)
        after = replace(held, files={**held.files, changed: held.files[changed] + b"\n# changed\n"})
        warm = _timed(lambda: predeploy.check(after, catalogue, cache=Path(kept)))
    print(f"{len(held.files)} files, {len(paths)} paths")
    print(f"plain kustomize build, {os.cpu_count()} at a time: {plain:.2f} s")
    print(f"cold: {cold:.2f} s, {cold / plain:.2f} times plain")
    print(f"warm, one file changed: {warm:.2f} s, {warm / cold:.2f} of cold")
    return 0


def _paths(held: Repository) -> list[str]:
    """The folders that Kustomizations build, by a walk of its own."""
    checked = collect.collect(held)
    return sorted({f"{r.entry.root}/{f}".lstrip("/") or "." for r in checked.reached for f in r.folders})


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

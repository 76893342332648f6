"""Measures 200 GitRepositories over 20 repositories: `python benchmarks/git_sharing.py [objects] [repositories]`.

Each repository is read once, as counted at a real git http-backend. The time is a ratio, in one run, to plain git for the 20
repositories: `git ls-remote`, then `git fetch --depth 1 --filter=blob:none`, one after the other.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from fluxdoctor.collect.git import GitResults, collect
from tests.helpers.gitworld import reach, source
from tests.servers.githttp import GitServer, git_server
from tests.servers.repositories import ENV, filled

FILES = 200


def repositories(root: Path, count: int) -> None:
    """Create bare repositories, each with 200 small manifests and a large file."""
    for i in range(count):
        files: dict[str, bytes | str] = {
            f"apps/{n}/deployment.yaml": f"kind: ConfigMap\nmetadata: {{name: app-{i}-{n}}}\ndata: {{x: '{n * i}'}}\n"
            for n in range(FILES)
        }
        filled(root / f"{i}.git", {**files, "logo.bin": bytes(1_000_000)})


def plain_git(server: GitServer, count: int, scratch: Path) -> float:
    """Run plain git for each repository, one after the other; return the seconds."""
    started = time.perf_counter()
    for i in range(count):
        url, bare = server.url(f"/{i}.git"), scratch / f"{i}"
        for command in (
            ["git", "ls-remote", "--", url],
            ["git", "init", "--quiet", "--bare", str(bare)],
            ["git", "-C", str(bare), "fetch", "--quiet", "--depth=1", "--filter=blob:none", "--", url, "main"],
        ):
            subprocess.run(command, env=ENV, check=True, capture_output=True)  # noqa: S603 - git, with our own arguments
    return time.perf_counter() - started


def advertisement_counts(server: GitServer) -> dict[str, int]:
    """Return the number of requests for refs, by repository name."""
    counts: dict[str, int] = {}
    for method, target, _ in server.requests:
        if method == "GET":
            counts[target.split("/")[1]] = counts.get(target.split("/")[1], 0) + 1
    return counts


def main() -> int:
    """Print a row for each method."""
    objects, count = (int(a) for a in (*sys.argv[1:], *("200", "20")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder, git_server(Path(folder) / "repositories") as server:
        root = Path(folder)
        repositories(root / "repositories", count)
        sources = [source(f"s-{i}", server.url(f"/{i % count}.git")) for i in range(objects)]
        plain_seconds = plain_git(server, count, root / "scratch")
        print(f"{objects} GitRepositories over {count} repositories of {FILES} manifests")
        print(f"{'':<34} {'seconds':>8} {'of plain':>9}  connections a repository (refs, trees, blobs)")
        counts = advertisement_counts(server)
        print(f"{'plain git, one after the other':<34} {plain_seconds:8.2f} {1:9.2f}  {sorted(set(counts.values()))}")
        for label in ("collect, nothing cached", "collect, unchanged since"):
            server.requests.clear()
            started = time.perf_counter()
            results: GitResults = collect(sources, reach(seconds=300, per_host=60, cache=root / "cache"))
            seconds = time.perf_counter() - started
            counts = advertisement_counts(server)
            assert len(results.trees) == objects, results.gaps
            assert len(counts) == count
            print(f"{label:<34} {seconds:8.2f} {seconds / plain_seconds:9.2f}  {sorted(set(counts.values()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

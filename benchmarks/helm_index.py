"""Measures reading a Helm index of 30 MB, against the bare download and a full parse with PyYAML's C loader.

    python benchmarks/helm_index.py [MEGABYTES]

Each row runs in its own process, for its own peak memory; the server runs in this process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

CHARTS = frozenset({"chart-00003", "chart-00400"})
REF = ("HelmRepository", "apps", "acme")


def download(url: str, _cache: str) -> int:
    """Download the index and return its size in bytes."""
    import urllib3

    response = urllib3.PoolManager().request("GET", url + "/index.yaml", preload_content=False)
    return sum(len(chunk) for chunk in response.stream(1 << 18))


def full(url: str, _cache: str) -> int:
    """Parse the complete index with PyYAML."""
    import urllib3
    import yaml

    body = yaml.load(urllib3.PoolManager().request("GET", url + "/index.yaml").data, yaml.CSafeLoader)
    return len(body["entries"])


def ours(url: str, cache: str) -> int:
    """Collect two charts, and the names of all."""
    from fluxdoctor.collect.net.deadline import Deadline
    from fluxdoctor.collect.probe_context import ProbeContext
    from fluxdoctor.collect.sources import helm
    from fluxdoctor.model.resource import Ref, Resource

    ref = Ref(*REF)
    context = ProbeContext(Deadline(60), datetime.now(UTC), cache=Path(cache) if cache else None, allow_local=True)
    results = helm.collect([Resource({"spec": {"url": url}}, ref=ref)], {ref: CHARTS}, context)
    index = results.indexes[ref]
    assert all(index[name] for name in CHARTS), results.probes
    return len(index)


def child(function_name: str, url: str, cache: str) -> None:
    """Run one function; print its seconds and its memory in MiB on top of the imports."""
    import urllib3  # noqa: F401
    import yaml  # noqa: F401

    from fluxdoctor.collect.sources import helm  # noqa: F401

    memory_before = _peak()
    started = time.perf_counter()
    globals()[function_name](url, cache)
    seconds = time.perf_counter() - started
    print(json.dumps([seconds, _peak() - memory_before]))


def _peak() -> float:
    """Return the peak memory in MiB; ru_maxrss would include the parent's."""
    return (
        next(int(row.split()[1]) for row in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in row) / 1024
    )


def measure(function_name: str, url: str, cache: str = "", rounds: int = 3) -> tuple[float, float]:
    """Return the best seconds and MiB of some rounds."""
    rows: list[Any] = []
    for _ in range(rounds):
        done = subprocess.run(  # noqa: S603
            [sys.executable, __file__, "--child", function_name, url, cache], capture_output=True, check=True, text=True
        )
        rows.append(json.loads(done.stdout))
    return min(seconds for seconds, _ in rows), min(memory for _, memory in rows)


def main() -> int:
    """Print the table."""
    from tests.servers.helm_repo import big_index, helm_server

    index = big_index(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
    with helm_server({"/index.yaml": index}) as server, tempfile.TemporaryDirectory() as cache:
        url = server.url()
        rows = {
            "download alone": measure("download", url),
            "full parse, CSafeLoader": measure("full", url, rounds=1),
            "fluxdoctor, first run": measure("ours", url),
        }
        measure("ours", url, cache)
        rows["fluxdoctor, index unchanged"] = measure("ours", url, cache)
    base = rows["download alone"][0]
    print(f"{len(index) / 1e6:.1f} MB\n{'':<28} {'seconds':>8} {'of download':>12} {'peak MiB':>9}")
    for name, (seconds, memory) in rows.items():
        print(f"{name:<28} {seconds:>8.2f} {seconds / base:>11.1f}x {memory:>9.0f}")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        sys.exit(main())

"""Measures diagnoses of fleets in a real API server, as ratios to kubectl: `python benchmarks/cluster.py [SIZE ...]`.

The peer prints the same kinds as JSON: `kubectl get KINDS -A -o json`. The flux CLI's `get all -A` is measured too if it
is on PATH. Wall time and peak memory are those of the complete processes, including imports and rules.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e import build, cluster, fleet, users  # noqa: E402 - the tests' own API server

KINDS = (
    "gitrepositories.source.toolkit.fluxcd.io,ocirepositories,helmrepositories,helmcharts,buckets.source.toolkit.fluxcd.io,"
    "kustomizations.kustomize.toolkit.fluxcd.io,helmreleases,alerts,providers.notification.toolkit.fluxcd.io,receivers,"
    "imagerepositories,imagepolicies,imageupdateautomations"
)
RUNS = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """The median of some runs of a command: seconds of wall time and of CPU, and MiB of peak memory."""

    wall: float
    cpu: float
    memory: float


def measure(argv: Sequence[str], env: dict[str, str]) -> Measured:
    """Run a command once to warm up, then RUNS times. Raises CalledProcessError if it fails or prints nothing."""
    rows = [_once(argv, env) for _ in range(RUNS + 1)][1:]
    return sorted(rows, key=lambda row: row.wall)[len(rows) // 2]


def _once(argv: Sequence[str], env: dict[str, str]) -> Measured:
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        child = subprocess.Popen(argv, stdout=out, stderr=subprocess.PIPE, env=env)  # noqa: S603 - our own commands
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        errors = child.stderr.read() if child.stderr else b""
        output_size = out.tell() or out.seek(0, os.SEEK_END)
    code = os.waitstatus_to_exitcode(status)
    if code or not output_size:
        raise subprocess.CalledProcessError(code, argv, stderr=errors)
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main() -> int:
    """Print a row for each size and command."""
    sizes = [int(size) for size in sys.argv[1:]] or [1000, 5000, 20000]
    fluxdoctor = [
        sys.executable,
        "-m",
        "fluxdoctor",
        "diagnose",
        "--no-probe",
        "--fail-on",
        "never",
        "--timeout",
        "10m",
    ]
    commands = {
        "kubectl get -A -o json": [str(build.command("kubectl")), "get", KINDS, "-A", "-o", "json"],
        "fluxdoctor diagnose --no-probe": fluxdoctor,
    }
    if flux := shutil.which("flux"):
        commands["flux get all -A"] = [flux, "get", "all", "-A"]
    print(
        f"{'objects':>8}  {'command':<32} {'wall':>8} {'cpu':>8} {'memory':>9} {'of kubectl: wall':>17} {'memory':>7}"
    )
    with cluster.running() as running:
        env = {**os.environ, "KUBECONFIG": str(running.kubeconfig(users.ADMIN))}
        for size in sizes:
            running.reset()
            fleet.load(running, size)
            rows = {name: measure(argv, env) for name, argv in commands.items()}
            peer = rows["kubectl get -A -o json"]
            for name, row in rows.items():
                print(
                    f"{size:>8}  {name:<32} {row.wall:>7.2f}s {row.cpu:>7.2f}s {row.memory:>5.0f} MiB"
                    f" {row.wall / peer.wall:>16.2f}x {row.memory / peer.memory:>6.2f}x"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())

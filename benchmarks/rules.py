"""Measures all rules over a fleet, as a ratio to loading the same objects in the same run: `make bench`.

A fleet of tenants (sources, Kustomizations that wait for each other, releases), one in fifty of them broken, in the requested
size. The targets: running every rule takes at most as long as loading, and no rule is quadratic: with twice the objects, a
rule takes about twice as long.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

import yaml

from fluxdoctor import engine
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Rule, installed

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.e2e import fleet  # after the path: the fleet of the benchmark on a real API server

INCIDENT = Path(__file__).parent.parent / "fixtures" / "incidents" / "healthy-baseline"
SIZES = (5_000, 10_000, 20_000)
#: The limit of a rule's time on n times the objects, as a power of n: between linear and quadratic. A linear rule can be
#: steeper once, at the size that no longer fits the processor's cache, but not at the last step too.
STEEP = 1.6
#: The number of runs of each rule.
TIMES = 3
#: Growth below this (seconds) is ignored: a rule that compares all pairs of so many Kustomizations takes far longer.
SHORT = 0.1


def files(size: int) -> dict[str, bytes]:
    """Return the files of a snapshot with ``size`` Flux objects in addition to those of a recorded cluster."""
    recorded = snapshot_folder.read(INCIDENT, [])
    objects = json.loads(recorded["cluster/objects.json"])
    tenants = list(fleet.objects(size))
    namespaces = sorted({body["metadata"]["namespace"] for body in tenants})
    objects["items"] += tenants + [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in namespaces
    ]
    metadata = yaml.safe_load(recorded["snapshot.yaml"])
    metadata = {key: value for key, value in metadata.items() if key not in ("extends", "without")}  # read already
    # The objects that the tenants' Kustomizations applied are missing: as in a live run, they were not listed.
    metadata["listed"] = [row for row in metadata["listed"] if row["kind"] != "Deployment"]
    return {
        **recorded,
        "cluster/objects.json": json.dumps(objects).encode(),
        "snapshot.yaml": yaml.dump(metadata).encode(),
    }


def measure(rules: tuple[Rule, ...], snapshot: Snapshot) -> dict[str, float]:
    """Run each rule alone, over facts that are already read; return the seconds of each, the shortest of three runs.

    A rule that reads each object once takes a few milliseconds here, and other work on the machine can double that.
    """
    return {rule.id: min(_once(rule, snapshot) for _ in range(TIMES)) for rule in rules}


def _once(rule: Rule, snapshot: Snapshot) -> float:
    started = time.process_time()
    engine.run([rule], snapshot)
    return time.process_time() - started


def is_steep(seconds_by_size: dict[int, float]) -> bool:
    """Tell whether a rule's time grows faster than the fleet, from the smallest size and from the last but one."""
    *_, second_largest, largest = sorted(seconds_by_size)
    smaller = (min(seconds_by_size), second_largest)
    seconds = seconds_by_size[largest]
    return seconds > SHORT and all(seconds > seconds_by_size[size] * (largest / size) ** STEEP for size in smaller)


def main() -> int:
    """Print a row for each size, and the slowest rules; return 1 if a target is missed."""
    gc.disable()  # as the command line does
    rules = installed().rules
    seconds: dict[int, dict[str, float]] = {}
    failed = False
    print(f"{'objects':>8} {'load':>7} {'rules':>7} {'of loading':>11}")
    for size in map(int, sys.argv[1:] or SIZES):
        fleet_files = files(size)
        started = time.process_time()
        snapshot = snapshot_folder.parse(fleet_files, "fleet")
        loaded = time.process_time()
        engine.run(rules, snapshot)
        done = time.process_time()
        load, run = loaded - started, done - loaded
        print(f"{len(snapshot.cluster):>8} {load:>6.2f}s {run:>6.2f}s {run / load:>10.2f}x")
        seconds[size] = measure(rules, snapshot)
        failed |= run > load
    *_, largest = sorted(seconds)
    slowest = sorted(seconds[largest], key=lambda rule: -seconds[largest][rule])[:10]
    for rule in slowest:
        print(f"{seconds[largest][rule]:>8.3f}s {rule}")
    if len(seconds) > 1:
        steep = [r.id for r in rules if is_steep({size: rule_seconds[r.id] for size, rule_seconds in seconds.items()})]
        print("\n".join(f"grows faster than the fleet: {r}" for r in steep) or "no rule grows faster than the fleet")
        failed |= bool(steep)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

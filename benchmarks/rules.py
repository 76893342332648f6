"""How long all the rules take over a fleet, as a ratio of loading the same objects in the same run: `make bench`.

A fleet of tenants (sources, Kustomizations that wait for each other, releases), one in fifty of them broken, in the size that is
asked for. The promise: running every rule takes at most as long as loading, and no rule is quadratic: with twice the
objects, a rule takes about twice as long.
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
#: What a rule may take on n times the objects, as a power of n: between linear and quadratic. Above a small fleet a
#: linear rule can be steeper once, where the fleet no longer fits the processor's cache, but not at the last step too.
STEEP = 1.6
#: How often each rule is run.
TIMES = 3
#: Below this, seconds, it is no growth: a rule that compares each of so many Kustomizations with each takes far longer.
SHORT = 0.1


def files(size: int) -> dict[str, bytes]:
    """Return the files of a snapshot of ``size`` Flux objects beside those of a recorded cluster."""
    held = snapshot_folder.read(INCIDENT, [])
    objects = json.loads(held["cluster/objects.json"])
    tenants = list(fleet.objects(size))
    namespaces = sorted({body["metadata"]["namespace"] for body in tenants})
    objects["items"] += tenants + [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in namespaces
    ]
    about = yaml.safe_load(held["snapshot.yaml"])
    about = {key: value for key, value in about.items() if key not in ("extends", "without")}  # read already
    # What the tenants' Kustomizations applied is not among the objects: as in a live run, nobody listed it.
    about["listed"] = [row for row in about["listed"] if row["kind"] != "Deployment"]
    return {**held, "cluster/objects.json": json.dumps(objects).encode(), "snapshot.yaml": yaml.dump(about).encode()}


def measured(rules: tuple[Rule, ...], snapshot: Snapshot) -> dict[str, float]:
    """Run each rule alone, over facts that others have read already; return the seconds of each, the least of three runs.

    A rule that reads each object once takes a few milliseconds here, and what else the machine does can double that.
    """
    return {rule.id: min(_once(rule, snapshot) for _ in range(TIMES)) for rule in rules}


def _once(rule: Rule, snapshot: Snapshot) -> float:
    started = time.process_time()
    engine.run([rule], snapshot)
    return time.process_time() - started


def is_steep(took: dict[int, float]) -> bool:
    """Tell whether a rule's time grows faster than the fleet, from the smallest size and from the last but one."""
    *_, before, large = sorted(took)
    return took[large] > SHORT and all(
        took[large] > took[size] * (large / size) ** STEEP for size in (min(took), before)
    )


def main() -> int:
    """Print a row for each size, and the rules that take longest."""
    gc.disable()  # as the command line does
    rules = installed().rules
    seconds: dict[int, dict[str, float]] = {}
    failed = False
    print(f"{'objects':>8} {'load':>7} {'rules':>7} {'of loading':>11}")
    for size in map(int, sys.argv[1:] or SIZES):
        held = files(size)
        started = time.process_time()
        snapshot = snapshot_folder.parse(held, "fleet")
        loaded = time.process_time()
        engine.run(rules, snapshot)
        done = time.process_time()
        load, ran = loaded - started, done - loaded
        print(f"{len(snapshot.cluster):>8} {load:>6.2f}s {ran:>6.2f}s {ran / load:>10.2f}x")
        seconds[size] = measured(rules, snapshot)
        failed |= ran > load
    *_, large = sorted(seconds)
    longest = sorted(seconds[large], key=lambda rule: -seconds[large][rule])[:10]
    for rule in longest:
        print(f"{seconds[large][rule]:>8.3f}s {rule}")
    if len(seconds) > 1:
        steep = [r.id for r in rules if is_steep({size: took[r.id] for size, took in seconds.items()})]
        print("\n".join(f"grows faster than the fleet: {r}" for r in steep) or "no rule grows faster than the fleet")
        failed |= bool(steep)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

"""How long all the rules take over a fleet, as a ratio of loading the same objects in the same run: `make bench`.

A fleet of tenants (sources, Kustomizations that wait for each other, releases), one in fifty of them broken, in the size that is
asked for. The promise: running every rule takes at most as long as loading, and no rule is quadratic: with four times the
objects, a rule takes about four times as long.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

import yaml

from fluxdoctor import engine
from fluxdoctor.collect import folder
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Rule, installed

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.e2e import fleet  # after the path: the fleet of the benchmark on a real API server

INCIDENT = Path(__file__).parent.parent / "fixtures" / "incidents" / "healthy-baseline"
SIZES = (5_000, 20_000)
#: What a rule may take on four times the objects, times what it took before: linear, and what a cache that no longer fits adds.
LINEAR = 8.0
#: Below this, seconds: a clock says little of so short a time.
SHORT = 0.02


def files(size: int) -> dict[str, bytes]:
    """Return the files of a snapshot of ``size`` Flux objects beside those of a recorded cluster."""
    held = folder.read(INCIDENT, [])
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
    """Run each rule alone, over facts that others have read already; return the seconds of each."""
    took = {}
    for rule in rules:
        started = time.process_time()
        engine.run([rule], snapshot)
        took[rule.id] = time.process_time() - started
    return took


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
        snapshot = folder.parse(held, "fleet")
        loaded = time.process_time()
        engine.run(rules, snapshot)
        done = time.process_time()
        load, ran = loaded - started, done - loaded
        print(f"{len(snapshot.cluster):>8} {load:>6.2f}s {ran:>6.2f}s {ran / load:>10.2f}x")
        seconds[size] = measured(rules, snapshot)
        failed |= ran > load
    *_, small, large = [None, *sorted(seconds)][-2:]
    longest = sorted(seconds[large], key=lambda rule: -seconds[large][rule])[:10]
    for rule in longest:
        print(f"{seconds[large][rule]:>8.3f}s {rule}")
    if small:
        growth = large / small * LINEAR / 4
        steep = [r for r in rules if seconds[large][r.id] > max(SHORT, growth * seconds[small][r.id])]
        print("\n".join(f"grows faster than the fleet: {r.id}" for r in steep) or "no rule grows faster than the fleet")
        failed |= bool(steep)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

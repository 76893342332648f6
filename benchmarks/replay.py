"""Measures replays of fleets of growing size, as ratios to the standard library's JSON parser: `make bench`.

A fleet is the recorded incident cascade-chain-top with a longer failing chain: every additional Kustomization waits for its
predecessor, so the report must fold them all under one cause.
"""

from __future__ import annotations

import copy
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.rule import installed

INCIDENT = Path(__file__).parent.parent / "fixtures" / "incidents" / "cascade-chain-top"


def fleet(size: int) -> dict[str, bytes]:
    """Return the files of a snapshot with ``size`` additional Kustomizations."""
    files = snapshot_folder.read(INCIDENT, [])
    objects = json.loads(files["cluster/objects.json"])
    apps = next(o for o in objects["items"] if o["kind"] == "Kustomization" and o["metadata"]["name"] == "apps")
    objects["items"] += [_link(apps, i) for i in range(size)]
    return {**files, "cluster/objects.json": json.dumps(objects).encode()}


def _link(apps: dict[str, Any], i: int) -> dict[str, Any]:
    previous = f"apps-{i - 1}" if i else "apps"
    link = copy.deepcopy(apps)
    link["metadata"]["name"] = f"apps-{i}"
    link["spec"]["dependsOn"] = [{"name": previous}]
    ready = next(c for c in link["status"]["conditions"] if c["type"] == "Ready")
    ready["message"] = f"dependency 'flux-system/{previous}' is not ready"
    link["status"].pop("inventory", None)
    return link


def main() -> int:
    """Print a row for each size."""
    catalogue = installed()
    print(f"{'objects':>8} {'MB':>6} {'json.loads':>11} {'load':>7} {'diagnose':>9} {'of json':>8} {'us/object':>10}")
    for size in map(int, sys.argv[1:] or ("500", "1000", "5000", "20000")):
        files = fleet(size)
        started = time.perf_counter()
        json.loads(files["cluster/objects.json"])
        parsed = time.perf_counter()
        snapshot = snapshot_folder.parse(files, "fleet")
        loaded = time.perf_counter()
        report = diagnose(snapshot, catalogue)
        done = time.perf_counter()
        (cause,) = [f for f in report.findings if f.severity == "error"]
        assert len(cause.blocks) == size + 3, len(cause.blocks)
        peer, load, rules = parsed - started, loaded - parsed, done - loaded
        megabytes = len(files["cluster/objects.json"]) / 1e6
        print(
            f"{report.objects:>8} {megabytes:>6.1f} {peer:>10.2f}s {load:>6.2f}s {rules:>8.2f}s"
            f" {(load + rules) / peer:>7.1f}x {(load + rules) / report.objects * 1e6:>10.0f}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measures the fold, as a ratio to loading the same objects in the same run: `make bench`.

Cascades of 5,000 failing objects in three shapes: a chain (each waits for its predecessor), a fan (all wait for one object,
whose children are stale), and islands (one cause for each ten objects). The fold runs after the rules, as in a diagnosis, so
that the graph and the failures are already read. The target: a chain or a fan folds in under 10 % of the time of loading;
islands are only shown.
"""

from __future__ import annotations

import copy
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from fluxdoctor import causes, engine
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.rule import Catalogue, installed

INCIDENT = Path(__file__).parent.parent / "fixtures" / "incidents" / "cascade-chain-top"
SHARE = 0.10
Body = dict[str, Any]
T = TypeVar("T")
#: The object that an object waits for; "" if it fails by itself.
Shape = Callable[[int], str]


def _chain(i: int) -> str:
    return f"apps-{i - 1}" if i else "sources"


def _fan(_: int) -> str:
    return "sources"


def _islands(i: int) -> str:
    return f"apps-{i - i % 10}" if i % 10 else ""


SHAPES: dict[str, tuple[Shape, int]] = {"chain": (_chain, 1), "fan": (_fan, 1), "islands": (_islands, 501)}


def fleet(size: int, shape: Shape) -> dict[str, bytes]:
    """Return the files of a snapshot with ``size`` additional failing Kustomizations, each with a stale child."""
    files = snapshot_folder.read(INCIDENT, [])
    objects = json.loads(files["cluster/objects.json"])
    by_name = {(o["kind"], o["metadata"]["name"]): o for o in objects["items"]}
    blocked, failing = by_name["Kustomization", "apps"], by_name["Kustomization", "sources"]
    for i in range(size):
        dependency = shape(i)
        objects["items"].append(_failing(copy.deepcopy(blocked if dependency else failing), i, dependency))
    metadata = yaml.safe_load(files["snapshot.yaml"])
    metadata = {key: value for key, value in metadata.items() if key not in ("extends", "without")}  # read already
    return {
        **files,
        "cluster/objects.json": json.dumps(objects).encode(),
        "snapshot.yaml": yaml.dump(metadata).encode(),
    }


def _failing(body: Body, i: int, dependency: str) -> Body:
    body["metadata"]["name"] = f"apps-{i}"
    body["status"].pop("inventory", None)  # the copies own no objects
    if dependency:
        body["spec"]["dependsOn"] = [{"name": dependency}]
        ready = next(c for c in body["status"]["conditions"] if c["type"] == "Ready")
        ready["message"] = f"dependency 'flux-system/{dependency}' is not ready"
    else:
        body["spec"]["path"] = f"./none-{i}"
    return body


def measure(name: str, size: int, catalogue: Catalogue) -> bool:
    """Print a row; tell whether the target is met. CPU seconds, the best of nine, to exclude other work on the machine."""
    shape, roots = SHAPES[name]
    files = fleet(size, shape)
    fallbacks = {r.id: r for r in catalogue.rules if r.role == "fallback"}
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            (target := Path(folder, path)).parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        snapshot, load = _best(lambda: snapshot_folder.load(Path(folder)))
    outcome = engine.run(catalogue.rules, snapshot)
    findings, fold = _best(lambda: causes.fold(outcome, snapshot, fallbacks))
    errors = [f for f in findings if f.severity == "error"]
    assert len(errors) == 1 + (roots - 1) * size // 5000, len(errors)
    explained = {ref for f in errors for ref in (f.subject, *f.also, *f.blocks)}
    assert len(explained) == size + 4, len(explained)
    print(
        f"{name:<8} {len(snapshot.cluster.flux):>7} {len(explained):>7} {load:>7.2f}s {fold:>7.3f}s {fold / load:>8.1%}",
        flush=True,
    )
    return fold / load < SHARE or roots > 1


def _best(function: Callable[[], T]) -> tuple[T, float]:
    times = []
    result: T | None = None
    for _ in range(9):
        result = None
        gc.collect()  # in a command no earlier result is in memory
        started = time.process_time()
        result = function()
        times.append(time.process_time() - started)
    assert result is not None
    return result, min(times)


def main() -> int:
    """Measure each shape; return 0 if all targets are met."""
    gc.disable()  # as the command line does
    catalogue = installed()
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    print(f"{'shape':<8} {'objects':>7} {'failing':>7} {'load':>8} {'fold':>8} {'of load':>8}")
    is_met = [measure(name, size, catalogue) for name in SHAPES]
    return 0 if all(is_met) else 1


if __name__ == "__main__":
    sys.exit(main())

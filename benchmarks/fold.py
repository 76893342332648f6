"""How long the fold takes, as a ratio of loading the same objects in the same run: `make bench`.

Cascades of 5,000 failing objects in three shapes: a chain (each waits for the one before), a fan (all wait for one, whose
children are stale), and islands (one cause for each ten). The fold comes after the rules, as in a diagnosis: they have read
the graph and the failures by then. The promise: a cascade, chain or fan, folds in under 10 % of loading; islands are shown.
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
#: Which object an object waits for; "" where it fails of its own.
Shape = Callable[[int], str]


def _chain(i: int) -> str:
    return f"apps-{i - 1}" if i else "sources"


def _fan(_: int) -> str:
    return "sources"


def _islands(i: int) -> str:
    return f"apps-{i - i % 10}" if i % 10 else ""


SHAPES: dict[str, tuple[Shape, int]] = {"chain": (_chain, 1), "fan": (_fan, 1), "islands": (_islands, 501)}


def fleet(size: int, shape: Shape) -> dict[str, bytes]:
    """Return the files of a snapshot with so many failing Kustomizations more, each with a child that is stale."""
    files = snapshot_folder.read(INCIDENT, [])
    objects = json.loads(files["cluster/objects.json"])
    named = {(o["kind"], o["metadata"]["name"]): o for o in objects["items"]}
    blocked, failing = named["Kustomization", "apps"], named["Kustomization", "sources"]
    for i in range(size):
        wanted = shape(i)
        objects["items"].append(_failing(copy.deepcopy(blocked if wanted else failing), i, wanted))
    about = yaml.safe_load(files["snapshot.yaml"])
    about = {key: value for key, value in about.items() if key not in ("extends", "without")}  # read already
    return {**files, "cluster/objects.json": json.dumps(objects).encode(), "snapshot.yaml": yaml.dump(about).encode()}


def _failing(body: Body, i: int, wanted: str) -> Body:
    body["metadata"]["name"] = f"apps-{i}"
    body["status"].pop("inventory", None)  # nobody else's objects
    if wanted:
        body["spec"]["dependsOn"] = [{"name": wanted}]
        ready = next(c for c in body["status"]["conditions"] if c["type"] == "Ready")
        ready["message"] = f"dependency 'flux-system/{wanted}' is not ready"
    else:
        body["spec"]["path"] = f"./none-{i}"
    return body


def measure(name: str, size: int, catalogue: Catalogue) -> bool:
    """Print a row; tell whether the promise holds. CPU seconds, the best of nine: other work on the machine is not counted."""
    shape, roots = SHAPES[name]
    files = fleet(size, shape)
    fallbacks = {r.id: r for r in catalogue.rules if r.role == "fallback"}
    with tempfile.TemporaryDirectory() as place:
        for path, content in files.items():
            (target := Path(place, path)).parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        snapshot, load = _best(lambda: snapshot_folder.load(Path(place)))
    outcome = engine.run(catalogue.rules, snapshot)
    findings, fold = _best(lambda: causes.fold(outcome, snapshot, fallbacks))
    errors = [f for f in findings if f.severity == "error"]
    assert len(errors) == 1 + (roots - 1) * size // 5000, len(errors)
    held = {ref for f in errors for ref in (f.subject, *f.also, *f.blocks)}
    assert len(held) == size + 4, len(held)
    print(
        f"{name:<8} {len(snapshot.cluster.flux):>7} {len(held):>7} {load:>7.2f}s {fold:>7.3f}s {fold / load:>8.1%}",
        flush=True,
    )
    return fold / load < SHARE or roots > 1


def _best(work: Callable[[], T]) -> tuple[T, float]:
    times = []
    for _ in range(9):
        result = None
        gc.collect()  # a command has no result of an earlier run in memory
        started = time.process_time()
        result = work()
        times.append(time.process_time() - started)
    assert result is not None
    return result, min(times)


def main() -> int:
    """Measure each shape; the exit code says whether the promise holds."""
    gc.disable()  # as the command line does
    catalogue = installed()
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    print(f"{'shape':<8} {'objects':>7} {'failing':>7} {'load':>8} {'fold':>8} {'of load':>8}")
    held = [measure(name, size, catalogue) for name in SHAPES]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

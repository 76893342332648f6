"""What must hold for any snapshot, however wounded: nothing crashes, nothing leaks, sight lost is never taken for absence."""

from __future__ import annotations

import base64
import copy
import json as stdlib_json
import random
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.cli.commands.graph import FORMATS
from fluxdoctor.cli.commands.graph import render as drawn
from fluxdoctor.collect.store import save, snapshot_folder
from fluxdoctor.model.finding import Confidence, Report
from fluxdoctor.model.flux import KINDS
from fluxdoctor.report import json, text
from fluxdoctor.report.context import Context
from fluxdoctor.report.formats import WRITTEN, render
from fluxdoctor.report.graph import draw
from tests.helpers.worlds import INCIDENTS, NAMES, rules

CANARY = "c4n4ry-sings-no-more"
JUNK: list[Any] = [
    None,
    0,
    -1,
    "",
    "x",
    "../..",
    "${x}",
    "[{",
    [],
    [None],
    {},
    {"": None},
    True,
    1e300,
    "\x00\u202e",
    {"name": []},
]
SLOW = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@cache
def raw(name: str) -> dict[str, bytes]:
    return snapshot_folder.read(INCIDENTS / name, [])


def world(name: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    files = dict(raw(name))
    return files, stdlib_json.loads(files["cluster/objects.json"])


def put(files: dict[str, bytes], objects: dict[str, Any]) -> Report:
    files["cluster/objects.json"] = stdlib_json.dumps(objects).encode()
    snapshot = snapshot_folder.parse(files, "wounded")
    report = diagnose(snapshot, rules())
    text.render(report, width=80, verbose=True)
    json.render(report)
    return report


def places(body: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    steps = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in steps:
        found += places(value, (*at, key))
    return found


def wound(body: Any, rng: random.Random) -> None:
    """Drop, null or retype one field of an object."""
    at = rng.choice(places(body))
    holder = body
    for step in at[:-1]:
        holder = holder[step]
    if rng.random() < 0.3:
        del holder[at[-1]]
    else:
        holder[at[-1]] = copy.deepcopy(rng.choice(JUNK))


def crashed(report: Report) -> list[str]:
    return [s.why for s in report.skipped if s.why.startswith("the rule raised")]


@SLOW
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32), wounds=st.integers(1, 12))
def test_no_wound_crashes_a_rule_or_a_renderer(name: str, seed: int, wounds: int) -> None:
    rng = random.Random(seed)
    files, objects = world(name)
    for _ in range(wounds):
        item = rng.choice(objects["items"])
        if isinstance(item, dict) and item:
            wound(item, rng)
    assert crashed(put(files, objects)) == []


@SLOW
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32))
def test_no_wounded_file_crashes_anything(name: str, seed: int) -> None:
    rng = random.Random(seed)
    files, objects = world(name)
    for path in rng.sample(sorted(files), 3):
        content = bytearray(files[path])
        for _ in range(rng.randint(1, 5)):
            if content:
                content[rng.randrange(len(content))] = rng.randrange(256)
        if path not in ("snapshot.yaml", "cluster/objects.json"):
            files[path] = bytes(content[: rng.randint(0, len(content))])
    assert crashed(put(files, objects)) == []


@SLOW
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32))
def test_the_order_of_objects_does_not_matter(name: str, seed: int) -> None:
    files, objects = world(name)
    before = json.body(put(files, objects))
    random.Random(seed).shuffle(objects["items"])
    assert json.body(put(files, objects)) == before


def spoken(report: Report) -> set[tuple[str, str]]:
    """What the report claims to have proven of facts."""
    return {
        (f.rule, str(r)) for f in report.findings if f.confidence is Confidence.PROVEN for r in (f.subject, *f.also)
    }


KIND_OF_FACT = ["git/", "helm/", "oci/", "Secret", "ConfigMap", "Namespace", "ServiceAccount", "Pod", "Deployment",
                "GitRepository", "HelmRepository", "OCIRepository", "Kustomization", "HelmRelease", "HelmChart",
                "CustomResourceDefinition", "Provider"]  # fmt: skip


#: Every kind of fact goes missing from a good third of the incidents, each incident loses six kinds in turn.
LOSSES = [(name, KIND_OF_FACT[(6 * i + j) % len(KIND_OF_FACT)]) for i, name in enumerate(NAMES) for j in range(6)]


@pytest.mark.parametrize(("name", "fact"), LOSSES)
def test_facts_that_go_missing_prove_nothing_new(name: str, fact: str) -> None:
    """A kind that was not read: what is claimed as proven can only become less, and every failing object is still told."""
    files, objects = world(name)
    before = spoken(put(files, objects))
    if fact.endswith("/"):
        files = {p: c for p, c in files.items() if not p.startswith(fact)}
    else:
        objects["items"] = [o for o in objects["items"] if o["kind"] != fact]
        about = files["snapshot.yaml"].decode().replace(f"- kind: {fact}\n  namespaces: all\n", "")
        files["snapshot.yaml"] = about.encode()
    after = put(files, objects)
    assert spoken(after) - before == set()
    if fact in KINDS:
        assert f"{fact}: not listed" in {s.why for s in after.skipped}


@pytest.mark.parametrize("name", NAMES)
def test_a_lost_git_tree_is_told_and_proves_nothing_new(name: str) -> None:
    """One tree of several: what only its files could prove is not judged, and the report says so."""
    files, objects = world(name)
    before = spoken(put(files, objects))
    trees = sorted({p.rpartition("/")[0] for p in files if p.startswith("git/") and p.count("/") == 3})
    lost = next((t for t in trees if t.endswith("flux-system/flux-system")), "")
    if len(trees) < 2 or not lost:
        return
    after = put({p: c for p, c in files.items() if not p.startswith(f"{lost}/")}, objects)
    assert spoken(after) - before == set()
    assert f"{lost}: its files are not in this snapshot" in {s.why for s in after.skipped}


@pytest.mark.parametrize("name", NAMES)
def test_a_fact_that_goes_missing_is_told(name: str) -> None:
    """Where a proof is lost because Secrets or ConfigMaps could not be read, the report says what it could not judge."""
    files, objects = world(name)
    before = put(files, objects)
    for kind in ("Secret", "ConfigMap", "ServiceAccount"):
        objects["items"] = [o for o in objects["items"] if o["kind"] != kind]
        about = files["snapshot.yaml"].decode().replace(f"- kind: {kind}\n  namespaces: all\n", "")
        files["snapshot.yaml"] = about.encode()
    after = put(files, objects)
    kept = {(f.rule, str(f.subject)) for f in after.findings}
    judged = {s.rule for s in after.skipped}
    lost = [f for f in before.findings if (f.rule, str(f.subject)) not in kept and f.confidence is Confidence.PROVEN]
    assert [f.rule for f in lost if f.rule not in judged and f.severity != "info"] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_snapshot_is_not_changed_by_a_run(name: str) -> None:
    files, _ = world(name)
    snapshot = snapshot_folder.parse(files, name)
    before = save.files(snapshot)
    diagnose(snapshot, rules())
    assert save.files(snapshot) == before


def with_canaries(objects: dict[str, Any]) -> None:
    encoded = base64.b64encode(CANARY.encode()).decode()
    for item in objects["items"]:
        if item["kind"] != "Secret":
            continue
        item["data"] = dict.fromkeys(item.get("data") or {"password": ""}, encoded)
        item["stringData"] = {"extra": CANARY}
        item["metadata"].setdefault("annotations", {})["kubectl.kubernetes.io/last-applied-configuration"] = CANARY
    for item in objects["items"]:
        for condition in (item.get("status") or {}).get("conditions") or []:
            condition["message"] = f"{condition.get('message', '')} password={CANARY} {encoded}"
        if item["kind"] == "Event":
            item["message"] = f"{item.get('message')} https://user:{CANARY}@git.example.com"


SECRET_IN_GIT = f"""apiVersion: v1
kind: Secret
metadata: {{name: in-git, namespace: default}}
data: {{password: {base64.b64encode(CANARY.encode()).decode()}}}
stringData: # {CANARY}
  token: "{CANARY}"
  token: "again"
  # {CANARY}
  block: |
    {CANARY}
    {CANARY}
--- # {CANARY}
apiVersion: v1
kind: Secret
metadata: {{name: another, namespace: default}}
stringData: {{token: {CANARY}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: after, namespace: default}}
"""


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_value_reaches_any_output(name: str) -> None:
    files, objects = world(name)
    with_canaries(objects)
    for tree in ("flux-system", "webapp"):
        base = f"git/flux-system/{tree}/"
        files[base + "secret.yaml"] = SECRET_IN_GIT.encode()
        files[base + "gen/kustomization.yaml"] = (
            f"secretGenerator: [{{name: a, literals: ['k={CANARY}'], envs: [secret.env]}}]\n".encode()
        )
        files[base + "broken.yaml"] = f"kind: Secret\nstringData: [{CANARY}\n".encode()
        files[base + "gen/secret.env"] = f"k={CANARY}\n".encode()
    files["cluster/objects.json"] = stdlib_json.dumps(objects).encode()
    snapshot = snapshot_folder.parse(files, name)
    report = diagnose(snapshot, rules())
    outputs = [
        text.render(report, verbose=True),
        *(render(format_, report, Context(snapshot)) for format_ in WRITTEN),
        *(drawn(draw(snapshot, report), format_, width=100, color=False) for format_ in FORMATS),
        *(c.decode() for c in save.files(snapshot).values()),
    ]
    encoded = base64.b64encode(CANARY.encode()).decode()
    assert [o for o in outputs if CANARY in o or encoded in o] == []

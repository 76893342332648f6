"""What is being deleted, or suspended on purpose, is accused of nothing by rules that do not speak of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.model.finding import Finding, Severity
from fluxdoctor.model.flux import KINDS, Edge, State, state
from fluxdoctor.model.missing import Missing, references
from fluxdoctor.model.resource import Ref
from fluxdoctor.testing import Example, examples, world
from tests.helpers.worlds import rules

RULES = {r.id: r for r in rules().rules}
TEN_SECONDS_AGO = "2026-01-01T11:59:50Z"


def terminating(body: dict[str, Any]) -> None:
    body["metadata"]["deletionTimestamp"] = TEN_SECONDS_AGO
    body["metadata"].setdefault("finalizers", ["finalizers.fluxcd.io"])


def suspended(body: dict[str, Any]) -> None:
    body.setdefault("spec", {})["suspend"] = True


def changed(example: Example, subject: Ref, change: Callable[[dict[str, Any]], None]) -> Example | None:
    """Return the example with one of its objects changed; None if the object stands in none of its files."""
    files = dict(example.files)
    for path, text in files.items():
        if not path.startswith("cluster/") or not path.endswith(".yaml"):
            continue
        bodies = [copy.deepcopy(b) for b in yaml.safe_load_all(text)]
        for body in (item for b in bodies for item in (b or {}).get("items", [b])):
            meta = body.get("metadata", {}) if isinstance(body, dict) else {}
            if (
                (body or {}).get("kind") == subject.kind
                and meta.get("name") == subject.name
                and meta.get("namespace") == subject.namespace
            ):
                change(body)
                return Example(
                    example.rule, example.verdict, example.title, {**files, path: yaml.safe_dump_all(bodies)}
                )
    return None


def subjects(*states: State) -> Iterator[tuple[Example, Ref]]:
    """Yield the Broken examples set at the usual moment, with the Flux objects in some state that they are about."""
    for example in examples("fluxdoctor_rules"):
        if example.verdict != "Broken" or "snapshot.yaml" in example.files:
            continue
        snapshot = world(example)
        for ref in sorted({f.subject for f in diagnose(snapshot, rules()).findings if f.severity is not Severity.INFO}):
            resource = snapshot.cluster.get(ref)
            if resource and ref.kind in KINDS and state(resource) in states:
                yield example, ref


READY = list(subjects(State.READY, State.STATIC))
ALL = list(subjects(*State))


def accusations(example: Example, ref: Ref) -> list[Finding]:
    findings = diagnose(world(example), rules()).findings
    return [f for f in findings if f.subject == ref and f.severity is not Severity.INFO]


@pytest.mark.parametrize(("example", "ref"), READY, ids=str)
def test_a_ready_object_that_was_deleted_ten_seconds_ago(example: Example, ref: Ref) -> None:
    leaving = changed(example, ref, terminating)
    assert leaving is not None
    assert [f.rule for f in accusations(leaving, ref) if not RULES[f.rule].speaks_of] == []


@pytest.mark.parametrize(("example", "ref"), ALL, ids=str)
def test_a_dangling_reference_of_a_suspended_object_is_at_most_a_note(example: Example, ref: Ref) -> None:
    asleep = changed(example, ref, suspended)
    assert asleep is not None
    dangling = [f for f in accusations(asleep, ref) if "does not exist" in f.message]
    assert [(f.rule, f.message) for f in dangling] == []


def test_references_leaves_out_what_is_not_active() -> None:
    """The query itself: an active owner, a suspended and a terminating one, each with a reference to nothing."""
    body = "apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Alert\nmetadata: {{name: {0}, namespace: a{1}}}\nspec: {{providerRef: {{name: slack}}{2}}}\n"
    text = "---\n".join((
        body.format("awake", "", ""), body.format("asleep", "", ", suspend: true"),
        body.format("gone", f', deletionTimestamp: "{TEN_SECONDS_AGO}"', ""),
    ))  # fmt: skip
    cluster = world(Example("x/y", "Broken", "", {"cluster/a.yaml": text})).cluster
    missing = [m for m in references(cluster, ("Alert",), Edge.PROVIDER) if isinstance(m, Missing)]
    assert [str(m.owner.ref) for m in missing] == ["Alert/a/awake"]

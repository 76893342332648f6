"""What a team decided, in `fluxdoctor diagnose`: on recorded incidents, and on worlds with annotations."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.cli.main import cli
from fluxdoctor.model.finding import Report
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.report.json import schema
from fluxdoctor.settings.policy import Policy
from fluxdoctor.settings.values import Ignore, Settings
from tests.helpers.worlds import FLEET, INCIDENTS, kustomization, rules, snapshot_of, world

INCIDENT = "cascade-chain-top"
ROOT_CAUSE = "kustomize/path-not-found"
GONE = "kustomization path not found: stat /tmp/kustomization-1/apps: no such file or directory"
NAME = "fluxdoctor.dev/ignore"


def run(*arguments: str, incident: str = INCIDENT) -> Result:
    return CliRunner().invoke(cli, ["diagnose", "--from", str(INCIDENTS / incident), *arguments])


def body(*arguments: str, incident: str = INCIDENT) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(run("--format", "json", *arguments, incident=incident).stdout)
    return report


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without settings, the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def annotated(snapshot: Snapshot, **annotations: str) -> Snapshot:
    """Put an ignore on objects, by name."""
    objects = []
    for resource in snapshot.cluster:
        text = annotations.get(resource.name.replace("-", "_")) if resource.kind == "Kustomization" else None
        if text:
            metadata = {**resource.body["metadata"], "annotations": {NAME: text}}
            resource = replace(resource, body={**resource.body, "metadata": metadata})  # noqa: PLW2901
        objects.append(resource)
    cluster = type(snapshot.cluster)(objects, listed=snapshot.cluster.listed)
    return replace(snapshot, cluster=cluster)


def report(snapshot: Snapshot, settings: Settings | None = None, *, whole: bool = True) -> Report:
    policy = Policy(settings or Settings())
    return policy.finish(policy.hide(diagnose(snapshot, rules()), snapshot), rules(), whole=whole)


def told(made: Report) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """The findings by rule and subject, and the ignored by subject, place and reason."""
    return (
        [(f.rule, str(f.subject)) for f in made.findings],
        [(str(i.finding.subject), i.where, i.reason) for i in made.ignored],
    )


def test_a_hidden_cause_keeps_what_it_blocks(here: Path) -> None:
    before = body()
    (cause,) = [f for f in before["findings"] if f["severity"] == "error"]
    assert (cause["rule"], len(cause["blocks"])) == (ROOT_CAUSE, 3)
    (here / "fluxdoctor.toml").write_text(f'[[ignore]]\nrule = "{ROOT_CAUSE}"\nreason = "known"\n')
    after = body()
    assert (after["verdict"], after["findings"]) == ("broken", [f for f in before["findings"] if f is not cause])
    assert after["ignored"] == [
        {"how": "settings", "where": "fluxdoctor.toml:1", "rule": ROOT_CAUSE, "reason": "known", "finding": cause}
    ]
    assert after["checked"] == before["checked"]
    done = run("--width", "200")
    assert done.exit_code == 0
    assert "4 not ready   broken, but no cause is shown   1 ignored (blocking 3)" in done.stdout.splitlines()[0]


SELECTIONS = [("--ignore", "kustomize"), ("--rule", "helm/*")]
IGNORE = f'[[ignore]]\nrule = "{ROOT_CAUSE}"\nreason = "known"\n'
SELECT = '[rules]\nignore = ["kustomize"]\n'


@pytest.mark.parametrize(
    ("arguments", "settings", "counts", "words"),
    [
        (("--ignore", "kustomize"), "", (0, 1), "1 ignored by rule selection"),
        (("--rule", "helm/*"), "", (0, 1), "1 ignored by rule selection"),
        ((), SELECT, (0, 1), "1 ignored by rule selection"),
        ((), IGNORE, (1, 0), "1 ignored (blocking 3)"),
        (("--baseline", "b.json"), "", (1, 0), "1 in the baseline (blocking 3)"),
    ],
    ids=str,
)
def test_objects_that_are_not_ready_are_never_healthy(
    arguments: tuple[str, ...], settings: str, counts: tuple[int, int], words: str, here: Path
) -> None:
    run("--write-baseline", "b.json")
    (here / "fluxdoctor.toml").write_text(settings)
    report = body(*arguments)
    assert (report["verdict"], report["findings"], report["checked"]["not_ready"]) == ("broken", [], 4)
    assert (len(report.get("ignored", [])), report.get("deselected", 0)) == counts
    jsonschema.Draft202012Validator(schema()).validate(report)
    done = run("--width", "200", *arguments)
    assert (done.exit_code, done.stdout.splitlines()[0].partition("   taken")[0].rstrip()) == (
        0, f"{INCIDENT}   Flux 2.9.4   20 objects   4 not ready   broken, but no cause is shown   {words}",
    )  # fmt: skip
    markdown = run("--format", "markdown", *arguments)
    assert (markdown.exit_code, markdown.stdout.splitlines()[2]) == (
        0, "**broken, but no cause is shown** in 20 objects, 4 not ready",
    )  # fmt: skip
    assert words in markdown.stdout
    html = run("--format", "html", *arguments).stdout
    assert '<div class="verdict broken"><p>Broken, but no cause is shown</p>' in html
    assert words in html
    for name in ("junit", "sarif", "github", "openreports"):
        assert f"4 objects not ready; findings not shown: {words}" in run("--format", name, *arguments).stdout


@pytest.mark.parametrize("arguments", SELECTIONS, ids=str)
def test_a_ready_fleet_is_healthy_whatever_is_selected(arguments: tuple[str, ...]) -> None:
    report = body(*arguments, incident="healthy-baseline")
    assert (report["verdict"], report["findings"], report["checked"]["not_ready"]) == ("healthy", [], 0)


@pytest.mark.parametrize(
    ("name", "verdict", "text"),
    [
        ("apps", "broken", "not ready, but no cause is shown: 1 ignored by rule selection"),
        ("flux-system", "healthy", "not affected by any finding"),
    ],
)
def test_one_object_whose_cause_is_left_out(name: str, verdict: str, text: str) -> None:
    arguments = (f"kustomization/{name}", "-n", "flux-system", "--ignore", "kustomize")
    assert (body(*arguments)["verdict"], run(*arguments).stdout) == (
        verdict, f"Kustomization/flux-system/{name}: {text}\n",
    )  # fmt: skip


def test_a_question_about_one_object_is_answered_whatever_is_ignored(here: Path) -> None:
    (here / "fluxdoctor.toml").write_text(f'[[ignore]]\nrule = "{ROOT_CAUSE}"\nreason = "known"\n')
    done = run("kustomization/apps", "-n", "flux-system")
    assert (done.exit_code, ROOT_CAUSE in done.stdout) == (1, True)
    refused = run("kustomization/apps", "-n", "flux-system", "--write-baseline", "b.json")
    assert (refused.exit_code, (here / "b.json").exists()) == (2, False)


def test_a_baseline_of_a_cluster(here: Path) -> None:
    done = run("--write-baseline", "b.json")
    assert (done.exit_code, done.stderr) == (0, "b.json: 1 finding written\n")
    after = body("--baseline", "b.json")
    assert (after["findings"], [(i["how"], i["finding"]["rule"]) for i in after["ignored"]]) == (
        [], [("baseline", ROOT_CAUSE)],
    )  # fmt: skip
    other = body("--baseline", "b.json", incident="healthy-baseline")
    assert [(f["rule"], f["message"]) for f in other["findings"]] == [
        ("settings/baseline-outdated", "baseline entries that no longer match any finding: 1")
    ]


def test_the_demonstration_needs_no_settings(here: Path) -> None:
    before = CliRunner().invoke(cli, ["demo", "--format", "json"])
    (here / "fluxdoctor.toml").write_text("nonsense\n")
    after = CliRunner().invoke(cli, ["demo", "--format", "json"])
    assert (after.exit_code, json.loads(after.stdout)["findings"]) == (1, json.loads(before.stdout)["findings"])


TWO = FLEET + "".join(
    kustomization(name, "ArtifactFailed", GONE.replace("apps", name), spec=f"path: ./{name}") for name in ("one", "two")
)


def test_an_annotation_on_a_live_object_hides_its_own_findings_only() -> None:
    made = report(annotated(world(TWO), one=f"helm, {ROOT_CAUSE}: goes away"))
    assert told(made) == (
        [(ROOT_CAUSE, "Kustomization/flux-system/two")],
        [("Kustomization/flux-system/one", "Kustomization/flux-system/one", "goes away")],
    )


def test_what_is_wrong_with_annotations_is_told() -> None:
    made = report(
        annotated(world(TWO), one=f"{ROOT_CAUSE}\nkustomize/path-not-fnd: x", two=ROOT_CAUSE.replace("not", "nt"))
    )
    assert [(f.rule, str(f.subject), f.severity.value) for f in made.findings] == [
        (ROOT_CAUSE, "Kustomization/flux-system/two", "error"),
        ("settings/ignore-without-reason", "Kustomization/flux-system/one", "warning"),
        ("settings/ignore-without-reason", "Kustomization/flux-system/two", "warning"),
        ("settings/ignore-unused", "Kustomization/flux-system/one", "info"),
        ("settings/ignore-unused", "Kustomization/flux-system/two", "info"),
    ]


SHARED = FLEET.replace("name: fleet", "name: other") + FLEET


def test_a_cause_that_objects_share_is_hidden_only_for_all_of_them() -> None:
    """One host that is down is one finding, of two sources: one of them may not speak for the other."""
    message = "failed to checkout: dial tcp: lookup git.example.com on 10.0.0.10:53: no such host"
    failing = SHARED.replace("reason: Succeeded", "reason: GitOperationFailed").replace('"True"', '"False"')
    snapshot = world(failing.replace('message: "stored"', f'message: "{message}"'))
    finding = next(f for f in diagnose(snapshot, rules()).findings if f.also)
    refs = sorted((finding.subject, *finding.also))
    assert refs == [Ref("GitRepository", "flux-system", name) for name in ("fleet", "other")]
    one, both = (
        Settings(ignores=(Ignore("settings", "*", "so", object=glob),)) for glob in ("*/fleet", "GitRepository/*")
    )
    assert finding.fingerprint in {f.fingerprint for f in report(snapshot, one, whole=False).findings}
    assert finding.fingerprint in {i.finding.fingerprint for i in report(snapshot, both, whole=False).ignored}


def test_the_last_day_is_the_one_of_the_facts() -> None:
    """A replay next year says what it says today."""
    taken = datetime(2026, 5, 31, 23, 59, tzinfo=UTC)
    ignore = Ignore("settings", ROOT_CAUSE, "so", expires=date(2026, 5, 31))
    snapshot = replace(snapshot_of(INCIDENT), taken=taken)
    assert [i.finding.rule for i in report(snapshot, Settings(ignores=(ignore,))).ignored] == [ROOT_CAUSE]
    later = replace(snapshot, taken=datetime(2026, 6, 1, tzinfo=UTC))
    assert report(later, Settings(ignores=(ignore,))).ignored == ()


def test_an_ignore_for_another_cluster_is_not_called_unused() -> None:
    rule = "kustomize/dependency-cycle"
    ignores = (
        Ignore("settings", rule, "so"),
        Ignore("settings", rule, "so", cluster="prod-*"),
        Ignore("settings", rule, "so", cluster="healthy-*"),
    )
    made = report(snapshot_of("healthy-baseline"), Settings(file="fluxdoctor.toml", ignores=ignores))
    assert [(f.rule, f.key) for f in made.findings] == [
        ("settings/ignore-unused", "settings kustomize/dependency-cycle healthy-*")
    ]

"""The upgrade gate: asked about, it reports; not asked about, it is not there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fluxdoctor.app.diagnose import RuleOptions, diagnose
from fluxdoctor.collect.store import save
from fluxdoctor.collect.store.archive import SnapshotError
from fluxdoctor.collect.store.snapshot_folder import load, parse
from fluxdoctor.model.snapshot import Target
from tests.helpers.program import replay, run
from tests.helpers.worlds import NAMES, rules, snapshot_of, world

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: receivers.notification.toolkit.fluxcd.io}
spec: {group: notification.toolkit.fluxcd.io}
status: {storedVersions: [v1beta2, v1]}
"""


@pytest.mark.parametrize(
    ("flux", "kubernetes", "target"),
    [
        ("", "", None),
        ("2.9", "", Target((2, 9))),
        ("v2.9.4", "1.36", Target((2, 9), (1, 36))),
        ("", "v1.36.3", Target(None, (1, 36))),
    ],
)
def test_targets_are_read(flux: str, kubernetes: str, target: Target | None) -> None:
    assert Target.parse(flux, kubernetes) == target


@pytest.mark.parametrize("text", ["two", "2", "2.x", "2.9.1.1", "2.9-rc.1", "²."])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a version such as 2\.9"):
        Target.parse(text)


def test_a_target_is_kept_in_a_snapshot(tmp_path: Path) -> None:
    snapshot = replace(world(CRD), target=Target((2, 9), (1, 36)))
    save.save(snapshot, tmp_path / "kept")
    assert load(tmp_path / "kept").target == Target((2, 9), (1, 36))
    save.save(world(CRD), tmp_path / "without")
    assert load(tmp_path / "without").target is None


def test_a_snapshot_with_a_wrong_target_is_refused() -> None:
    about = b"format: 1\ntaken: 2026-01-01T12:00:00Z\ntarget: {flux: newest}\n"
    with pytest.raises(SnapshotError, match=r"incident/snapshot\.yaml: target: 'newest' is not a version"):
        parse({"snapshot.yaml": about}, "incident")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (None, []),
        (Target((2, 8)), []),
        (
            Target((2, 9)),
            ["upgrade/stored-version-removed CustomResourceDefinition/receivers.notification.toolkit.fluxcd.io"],
        ),
    ],
)
def test_a_stored_version_is_told_from_the_release_on_that_removes_it(
    target: Target | None, expected: list[str]
) -> None:
    report = diagnose(replace(world(CRD), target=target), rules())
    assert [f"{f.rule} {f.subject}" for f in report.findings] == expected


def test_without_a_target_no_upgrade_rule_shows() -> None:
    said = json.loads(replay("healthy-baseline", "--format", "json").stdout)
    assert not [s for s in said["skipped"] if s["rule"].startswith("upgrade/")]


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("healthy-")])
def test_clusters_of_the_target_have_nothing_to_fear(name: str) -> None:
    """The incidents run Flux 2.9 on Kubernetes 1.36: an upgrade to what is there breaks nothing."""
    report = diagnose(replace(snapshot_of(name), target=Target((2, 9), (1, 36))), rules(), RuleOptions(["upgrade"]))
    assert [f"{f.rule} {f.subject}" for f in report.findings] == []


def test_the_options() -> None:
    done = replay("healthy-baseline", "--target-flux", "2.9", "--target-kubernetes", "1.36")
    assert (done.returncode, done.stderr) == (0, "")
    wrong = replay("healthy-baseline", "--target-flux", "two")
    assert wrong.returncode == 2
    assert "'two' is not a version such as 2.9" in wrong.stderr


def test_a_release_that_the_table_does_not_know_is_said() -> None:
    done = replay("healthy-baseline", "--target-flux", "2.10")
    assert done.returncode == 3
    assert "API versions that Flux removes after 2.9 are not known to this version" in " ".join(done.stdout.split())


def test_a_repository_is_asked_too(tmp_path: Path) -> None:
    files = {
        "clusters/prod/flux-system/gotk-sync.yaml": (
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: flux-system, namespace: flux-system}\n"
            'spec: {url: "https://git.example.com/fleet.git", ref: {branch: main}}\n---\n'
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: flux-system, namespace: flux-system}\n"
            "spec: {path: ./clusters/prod, sourceRef: {kind: GitRepository, name: flux-system}}\n"
        ),
        "clusters/prod/budget.yaml": (
            "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: flux-system}\nspec: {}\n"
        ),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    done = run(
        "check", str(tmp_path), "--no-cache", "--target-kubernetes", "1.36", "--rule", "upgrade", "--format", "json"
    )
    found = json.loads(done.stdout)["findings"]
    assert [(f["rule"], f["message"]) for f in found] == [
        (
            "upgrade/kubernetes-api-removed",
            "clusters/prod/budget.yaml:1: PodDisruptionBudget/flux-system/web uses policy/v1beta1, which Kubernetes stopped serving in 1.25",
        )
    ]
    assert (done.returncode, done.stderr) == (1, "")

"""What is not read or not built is named: no limit is silent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fluxdoctor import rule
from fluxdoctor.model.gaps import FileScope, Gap, GapReason
from fluxdoctor.repository.files import repository
from fluxdoctor.repository.follow import traversal
from tests.helpers.fleet import APPS, git, needs_kustomize, run_check, write
from tests.helpers.worlds import INCIDENTS

LARGE = "# " + "y" * 4_000 + "\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: large, namespace: web}\n"


def skipped(folder: Path, *arguments: str) -> tuple[int, list[tuple[str, str]]]:
    """Return the exit code and, of what was not checked, the reason and the sentence."""
    result = run_check(str(folder), "--format", "json", "--no-cache", *arguments)
    rows = json.loads(result.output)["skipped"]
    return result.exit_code, [(row.get("reason", ""), row["why"]) for row in rows if row["asked"]]


@pytest.mark.parametrize("revision", [(), ("--revision", "HEAD")], ids=["working tree", "revision"])
@pytest.mark.parametrize("path", ["apps/large.yaml", "apps/deep/large.yml"])
@needs_kustomize
def test_a_manifest_above_the_limit_is_named(
    path: str, revision: tuple[str, ...], fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MAX_FILE", 3_000)
    write(fleet, {path: LARGE})
    git(fleet, "add", "-A")
    git(fleet, "commit", "-qm", "large")
    why = f"{path}: 0.0 MiB, above the limit of 0 MiB"
    assert skipped(fleet, *revision) == (3, [("too-large", why)])


@needs_kustomize
def test_a_large_file_that_no_cluster_builds_is_no_gap(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MAX_FILE", 3_000)
    write(fleet, {"docs/openapi.yaml": LARGE, "apps/picture.png": LARGE})
    assert skipped(fleet) == (0, [])


def test_a_file_that_cannot_be_read_is_named(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "web.yaml":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    files = repository.of_folder(fleet)
    gap = Gap(FileScope("apps/web.yaml"), GapReason.UNAVAILABLE, "cannot be read: Permission denied")
    assert (files.gaps, files.files["apps/web.yaml"]) == ((gap,), b"")


@needs_kustomize
def test_a_cluster_above_the_limit_of_objects_is_named(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traversal, "_MAX_OBJECTS", 3)
    why = "not built: the cluster has more than 3 objects, the limit of fluxdoctor"
    assert skipped(fleet) == (3, [("too-large", f"the build of Kustomization/flux-system/apps: {why}")])


@needs_kustomize
def test_a_kustomization_that_goes_on_changing_itself_is_named(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traversal, "_MAX_SELF_CHANGES", 0)
    write(fleet, {"apps/self.yaml": APPS.replace("PATH", "apps").replace("interval: 10m", "interval: 11m")})
    why = "the build of Kustomization/flux-system/apps: it still changes itself after 0 builds"
    assert skipped(fleet)[1] == [("too-large", why)]


@pytest.mark.parametrize(
    "command", [("check", "."), ("diagnose", "--from", "SNAPSHOT"), ("rules",), ("demo",)], ids=" ".join
)
def test_nothing_runs_without_the_rules_of_fluxdoctor(
    command: tuple[str, ...], fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from fluxdoctor.cli.main import cli

    def load_pack(package: str, _: str) -> list[rule.Rule]:
        raise ImportError(f"no module in {package}")

    monkeypatch.setattr(rule, "load_pack", load_pack)
    monkeypatch.chdir(fleet)
    snapshot = str(INCIDENTS / "healthy-baseline")
    result = CliRunner().invoke(cli, [snapshot if word == "SNAPSHOT" else word for word in command])
    text = " ".join(result.output.split())
    assert (result.exit_code, "pack fluxdoctor (fluxdoctor_rules) could not be loaded: ImportError" in text) == (
        2,
        True,
    )

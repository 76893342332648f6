"""The command line as a user meets it: output, errors, exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.program import replay, run
from tests.helpers.worlds import rules


def test_a_root_cause_and_what_it_blocks() -> None:
    done = replay("cascade-chain-top")
    assert done.returncode == 1
    assert done.stderr == ""
    assert "\n 1  ERROR    kustomize/path-not-found" in done.stdout
    assert "Blocks  3: Kustomization/flux-system/apps" in done.stdout
    assert "clusters/production/sources.yaml:10  spec.path" in done.stdout


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("cascade-chain-top", "--fail-on", "never"), 0),
        (("cascade-chain-top", "--ignore", "kustomize"), 0),
        (("cascade-chain-top", "--rule", "helm/*"), 0),
        (("cascade-chain-top", "--rule", "kustomize/path-not-found"), 1),
        (("healthy-baseline",), 0),
        (("healthy-baseline", "--fail-on", "info"), 0),
        (("healthy-reconciling",), 0),
        (("healthy-reconciling", "--fail-on", "info"), 1),
    ],
    ids=str,
)
def test_exit_codes(args: tuple[str, ...], code: int) -> None:
    for format_ in ("text", "json"):
        assert replay(*args, "--format", format_).returncode == code


def test_incomplete_sight_is_exit_code_3(tmp_path: Path) -> None:
    (tmp_path / "snapshot.yaml").write_text("format: 1\ntaken: 2026-01-01T00:00:00Z\n")
    done = run("diagnose", "--from", str(tmp_path))
    assert done.returncode == 3
    assert "Not checked: " in done.stdout
    said = " ".join(done.stdout.split())
    assert "GitRepository, OCIRepository, HelmRepository, HelmChart and 14 more: not listed" in said


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("diagnose", "--from", "/no/such/folder"), "/no/such/folder: no such folder"),
        (("diagnose", "--from", __file__), "neither a snapshot folder nor a snapshot .tgz"),
        (("diagnose", "--from", "."), "not a snapshot folder: snapshot.yaml is missing"),
        (("diagnose", "--kubeconfig", "/no/such/file"), "no cluster is configured: file /no/such/file does not exist"),
        (
            ("diagnose", "--from", ".", "-n", "apps"),
            "--namespace cannot be used with --from: a snapshot is replayed, and no cluster is read",
        ),
        (("diagnose", "--timeout", "soon"), "'soon' is not a duration, such as 90s or 2m"),
        (("snapshot", "-o", "/no/such/folder/x"), "/no/such/folder: no such folder"),
        (("diagnos",), "unknown command 'diagnos'; did you mean diagnose?"),
        (("qqqq",), "unknown command 'qqqq'; commands: check, completion, "),
        (("explain", "helm/chart-versoin-missing"), "did you mean helm/chart-version-missing"),
        (("explain", "helm"), "helm is an area, not a rule id; to list its "),
        (("config", "/no/such/folder"), "/no/such/folder: no such folder; specify the folder whose settings to show"),
        (
            ("rbac", "--service-account", "fluxdoctor"),
            "--service-account 'fluxdoctor' is not valid; use NAMESPACE/NAME",
        ),
        (("rules", "--rule", "kustomise"), "did you mean kustomize"),
    ],
    ids=str,
)
def test_a_mistake_gets_a_clear_error_and_exit_code_2(args: tuple[str, ...], words: str) -> None:
    done = run(*args)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_json_is_one_document() -> None:
    body = json.loads(replay("cascade-chain-top", "--format", "json").stdout)
    assert body["schema"] == 1
    assert [f["rule"] for f in body["findings"]] == ["kustomize/path-not-found"]


def test_no_color_and_force_color() -> None:
    assert "\x1b[" not in replay("cascade-chain-top").stdout
    assert "\x1b[" in replay("cascade-chain-top", FORCE_COLOR="1").stdout
    assert "\x1b[" not in replay("cascade-chain-top", FORCE_COLOR="1", NO_COLOR="1").stdout


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_lines_fit_the_width(width: int) -> None:
    done = replay("multi-path-and-secret", "--width", str(width))
    assert [line for line in done.stdout.splitlines() if len(line) > width] == []


def test_explain_shows_the_page_without_its_examples() -> None:
    done = run("explain", "kustomize/path-not-found")
    assert done.returncode == 0
    assert "Path not in the artifact" in done.stdout
    assert "apiVersion: kustomize" not in done.stdout
    assert "## Broken:" in run("explain", "--raw", "kustomize/path-not-found").stdout


def test_rules_lists_the_catalogue() -> None:
    rows = json.loads(run("rules", "--format", "json").stdout)
    ids = [row["id"] for row in rows]
    assert ids == sorted(ids)
    row = next(r for r in rows if r["id"] == "kustomize/path-not-found")
    assert row["severity"] == "error"
    assert row["needs"] == ["Cluster", "Manifests"]
    assert row["pack"] == "fluxdoctor"
    text = run("rules", "--rule", "kustomize").stdout.splitlines()
    assert [line.split()[0] for line in text] == [i for i in ids if i.startswith("kustomize/")]


def test_demo_names_cause_proof_fix_and_what_it_blocks() -> None:
    done = run("demo")
    assert done.returncode == 1
    for word in ("ERROR", "Proof", "Fix", "In git", "Blocks"):
        assert word in done.stdout


def test_help_has_examples() -> None:
    assert "fluxdoctor demo" in run("--help").stdout
    assert "fluxdoctor diagnose --from ./incident" in run("diagnose", "--help").stdout
    assert "Exit codes:" in run("diagnose", "--help").stdout


def test_help_does_not_import_what_a_command_needs() -> None:
    code = "import sys, fluxdoctor.cli.main; print(sorted({'rich', 'yaml', 'cryptography', 'jsonschema'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "[]\n"


def test_a_closed_pipe_is_no_error() -> None:
    shell = f"{sys.executable} -m fluxdoctor rules | head -1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_report_that_cannot_be_written_is_no_finding() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fluxdoctor", "demo"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (2, "fluxdoctor: No space left on device\n")


def test_a_report_to_a_file_needs_no_stdout(tmp_path: Path) -> None:
    at = tmp_path / "report.json"
    shell = f"{sys.executable} -m fluxdoctor demo --output json={at} >&-"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert (done.returncode, done.stderr, json.loads(at.read_text())["verdict"]) == (1, "", "broken")


def test_a_long_report_is_written_whole_before_the_end(tmp_path: Path) -> None:
    """The process ends without Python's own clearing up, which would also have written what is left."""
    with (tmp_path / "out").open("w", encoding="utf-8") as out:
        done = subprocess.run(
            [sys.executable, "-m", "fluxdoctor", "rules", "--format", "json"], stdout=out, check=False
        )
    assert (done.returncode, [r["id"] for r in json.loads((tmp_path / "out").read_text())]) == (
        0,
        [rule.id for rule in rules().rules],
    )


def test_progress_is_for_a_terminal_and_takes_no_markup() -> None:
    code = "from fluxdoctor.cli.progress import progress\nwith progress() as tell: tell('git: https://h/[/x]\\x1b[2J')"
    env = {**{k: v for k, v in os.environ.items() if k != "CI"}, "TERM": "xterm"}
    terminal, of_program = pty.openpty()
    try:
        for stderr, shown in ((of_program, True), (subprocess.DEVNULL, False)):
            done = subprocess.run([sys.executable, "-c", code], env=env, stderr=stderr, timeout=60, check=False)  # noqa: S603
            assert done.returncode == 0
            if shown:
                said = os.read(terminal, 65536).decode()
                assert "https://h/[/x]" in said
                assert "\x1b[2J" not in said
    finally:
        os.close(of_program)
        os.close(terminal)

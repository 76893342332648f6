"""What a team decided, in `fluxdoctor check`: files, comments, annotations and baselines, on repositories made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from fluxdoctor.app import check
from fluxdoctor.cli.main import cli
from fluxdoctor.report.json import schema
from fluxdoctor.repository.files import repository
from tests.helpers.fleet import APPS, SYNC, WEB, git, write
from tests.helpers.worlds import rules

APP = "clusters/prod/apps.yaml"
WRONG = APPS.replace("PATH", "aps")
ERROR = ("error", "kustomize/path-not-found", "clusters/prod/apps.yaml:6")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one cluster, whose Kustomization apps reads a path that is not there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "fleet"
    write(folder, {"clusters/prod/flux-system/gotk-sync.yaml": SYNC, APP: WRONG, "apps/web.yaml": WEB})
    git(folder, "init", "-q", "-b", "main")
    return folder


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["check", str(folder), *arguments])


def body(folder: Path, *arguments: str) -> dict[str, Any]:
    """The JSON report, which follows its schema."""
    done = run(folder, "--format", "json", *arguments)
    report: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator(schema()).validate(report)
    return report


def place(finding: dict[str, Any]) -> str:
    at = finding["location"]
    return f"{at['file']}:{at['line']}" if at else ""


def found(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(f["severity"], f["rule"], place(f)) for f in report["findings"]]


def ignored(report: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(i["how"], i["where"], i["reason"], place(i["finding"])) for i in report.get("ignored", [])]


def settings(folder: Path, text: str) -> None:
    write(folder, {"fluxdoctor.toml": text})


@pytest.mark.parametrize(
    "means",
    [
        'rule = "kustomize/path-*"',
        'path = "clusters/prod/**"',
        'path = "./clusters/"',
        'object = "Kustomization/flux-system/a*"',
        'rule = "kustomize"\ncluster = "clusters/*"',
    ],
)
def test_an_ignore_of_the_file_hides_and_is_told(means: str, fleet: Path) -> None:
    settings(fleet, f'[[ignore]]\n{means}\nreason = "moved next week"\n')
    report = body(fleet)
    assert (found(report), ignored(report)) == (
        [], [("settings", "fluxdoctor.toml:1", "moved next week", "clusters/prod/apps.yaml:6")],
    )  # fmt: skip
    assert run(fleet, "--fail-on", "info").exit_code == 0


@pytest.mark.parametrize(
    "means", ['rule = "helm"', 'path = "apps/**"', 'object = "Kustomization/other/*"', 'cluster = "clusters/staging"']
)
def test_an_ignore_of_something_else_hides_nothing(means: str, fleet: Path) -> None:
    settings(fleet, f'[[ignore]]\n{means}\nreason = "so"\n')
    report = body(fleet, "--rule", "kustomize")
    assert ([f for f in found(report) if f[0] == "error"], ignored(report)) == ([ERROR], [])


def test_an_expired_ignore_hides_nothing_and_is_told(fleet: Path) -> None:
    settings(fleet, '\n[[ignore]]\nrule = "kustomize/path-not-found"\nreason = "so"\nexpires = 2026-01-31\n')
    report = body(fleet)
    assert found(report) == [ERROR, ("warning", "settings/ignore-expired", "fluxdoctor.toml:2")]
    told = report["findings"][1]
    assert (told["message"], ignored(report)) == (
        "the ignore of kustomize/path-not-found was valid until 2026-01-31; its reason was: so", [],
    )  # fmt: skip


def test_ignores_without_a_reason_or_of_no_use_are_told(fleet: Path) -> None:
    settings(
        fleet,
        '[[ignore]]\nrule = "kustomize/path-not-found"\n[[ignore]]\nrule = "kustomize/build-failed"\nreason = "x"\n',
    )
    write(fleet, {"apps/web.yaml": f"# fluxdoctor: ignore[kustomize/path-not-fond] old\n{WEB}"})
    report = body(fleet)
    assert found(report) == [
        ("warning", "settings/ignore-without-reason", "fluxdoctor.toml:1"),
        ("info", "settings/ignore-unused", "apps/web.yaml:1"),
        ("info", "settings/ignore-unused", "fluxdoctor.toml:3"),
    ]
    assert [f["message"] for f in report["findings"]] == [
        "the ignore of kustomize/path-not-found gives no reason",
        "the ignore of kustomize/path-not-fond matches no rule; did you mean kustomize/path-not-found, "
        "kustomize/path-not-directory or kustomize/patch-failed?",
        "the ignore of kustomize/build-failed hides nothing",
    ]


def test_what_was_not_looked_at_makes_no_ignore_unused(fleet: Path) -> None:
    settings(fleet, '[[ignore]]\nrule = "kustomize/build-failed"\nreason = "x"\n')
    assert found(body(fleet, "--rule", "kustomize/path-not-found")) == [ERROR]
    assert found(body(fleet, "--cluster", "clusters/prod")) == [ERROR]
    assert found(body(fleet / "clusters/prod")) == [ERROR]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (WRONG.replace("./aps", "./aps # fluxdoctor: ignore[kustomize/path-not-found] soon"), "6"),
        (WRONG.replace("  path:", "  # fluxdoctor: ignore[kustomize] soon\n  path:"), "6"),
        (f"# fluxdoctor: ignore[kustomize/path-not-found] soon\n{WRONG}", "1"),
        (WRONG.replace("/v1\n", "/v1 # fluxdoctor: ignore[helm/x,kustomize/path-not-found] soon\n"), "1"),
        (WRONG.replace("{name: apps,", "{annotations: {fluxdoctor.dev/ignore: 'kustomize/*: soon'}, name: apps,"), "3"),
    ],
)
def test_comments_and_annotations_hide(text: str, where: str, fleet: Path) -> None:
    write(fleet, {APP: text})
    report = body(fleet)
    assert [f for f in found(report) if f[0] == "error"] == []
    assert [(how, at, reason) for how, at, reason, _ in ignored(report)] == [
        ("annotation" if "dev/ignore" in text else "comment", f"{APP}:{where}", "soon")
    ]
    assert run(fleet).exit_code == 0
    assert run(fleet, "--no-config").exit_code == 1


def test_who_brings_no_policy_is_shown_all(fleet: Path) -> None:
    """As the MCP server: a repository is data that others wrote, and what an agent is not shown it cannot weigh."""
    settings(fleet, '[[ignore]]\nrule = "kustomize"\nreason = "so"\n')
    noted = "{annotations: {fluxdoctor.dev/ignore: 'kustomize: so'}, name: apps,"
    write(fleet, {APP: f"# fluxdoctor: ignore[kustomize] so\n{WRONG.replace('{name: apps,', noted)}"})
    report = check.check(repository.of_folder(fleet), rules())
    assert ([f.rule for f in report.findings], report.ignored) == (["kustomize/path-not-found"], ())


def test_a_comment_elsewhere_hides_nothing_and_is_told(fleet: Path) -> None:
    write(fleet, {APP: WRONG.replace("10m", "10m # fluxdoctor: ignore[kustomize/path-not-found] soon")})
    assert found(body(fleet)) == [ERROR, ("info", "settings/ignore-unused", f"{APP}:5")]


def test_an_annotation_of_no_use_is_told_where_it_stands(fleet: Path) -> None:
    noted = "{annotations: {fluxdoctor.dev/ignore: kustomize/path-not-found}, name: apps,"
    write(fleet, {APP: WRONG.replace("aps", "apps").replace("{name: apps,", noted)})
    report = body(fleet)
    assert [(f["severity"], f["rule"], place(f), f["subject"]["name"]) for f in report["findings"]] == [
        ("warning", "settings/ignore-without-reason", f"{APP}:3", "apps"),
        ("info", "settings/ignore-unused", f"{APP}:3", "apps"),
    ]


def test_a_baseline_survives_moved_lines_and_renamed_files(fleet: Path) -> None:
    file = fleet / "known.json"
    done = run(fleet, "--write-baseline", str(file))
    assert (done.exit_code, done.stderr) == (0, f"{file}: 1 finding written\n")
    assert "broken, but no cause is shown   1 in the baseline" in done.stdout
    assert file.read_text() == (
        '{"fluxdoctor-baseline": 1,\n "findings": [\n'
        '  {"rule": "kustomize/path-not-found", "object": "Kustomization/flux-system/apps", "cluster": "clusters/prod", '
        '"message": "spec.path ./aps is not in the artifact of GitRepository/flux-system/flux-system; did you mean ./apps?", '
        '"fingerprint": "f5dede1969ba88a6"}\n ]}\n'
    )
    (fleet / APP).rename(fleet / "clusters/prod/renamed.yaml")
    write(fleet, {"clusters/prod/renamed.yaml": f"# one\n\n# two\n---\n{WRONG}"})
    report = body(fleet, "--baseline", str(file))
    assert (found(report), ignored(report)) == (
        [], [("baseline", str(file), "", "clusters/prod/renamed.yaml:10")],
    )  # fmt: skip
    settings(fleet, 'baseline = "known.json"\n')
    assert ignored(body(fleet)) == [("baseline", "known.json", "", "clusters/prod/renamed.yaml:10")]


def test_what_a_baseline_does_not_hold_fails(fleet: Path) -> None:
    run(fleet, "--write-baseline", str(fleet / "known.json"))
    settings(fleet, 'baseline = "known.json"\n')
    write(fleet, {"clusters/prod/more.yaml": WRONG.replace("name: apps", "name: more")})
    assert found(body(fleet)) == [("error", "kustomize/path-not-found", "clusters/prod/more.yaml:6")]
    assert run(fleet).exit_code == 1


def test_a_cluster_that_is_new_in_a_known_fault_is_shown(fleet: Path) -> None:
    run(fleet, "--write-baseline", str(fleet / "known.json"))
    write(fleet, {
        "clusters/two/flux-system/gotk-sync.yaml": SYNC.replace("clusters/prod", "clusters/two"),
        "clusters/two/kustomization.yaml": "resources: [flux-system/gotk-sync.yaml, ../prod/apps.yaml]\n",
        "clusters/two/apps.yaml": WRONG,
    })  # fmt: skip
    write(fleet, {"clusters/two/kustomization.yaml": "resources: [flux-system/gotk-sync.yaml, apps.yaml]\n"})
    report = body(fleet, "--baseline", str(fleet / "known.json"))
    assert [(f["rule"], f["clusters"]) for f in report["findings"] if f["severity"] == "error"] == [
        ("kustomize/path-not-found", ["clusters/two"])
    ]
    assert [i["finding"]["clusters"] for i in report["ignored"]] == [["clusters/prod"]]


def test_entries_that_match_nothing_any_more_are_told(fleet: Path) -> None:
    run(fleet, "--write-baseline", str(fleet / "known.json"))
    write(fleet, {APP: APPS.replace("PATH", "apps")})
    settings(fleet, 'baseline = "known.json"\n')
    report = body(fleet)
    assert found(report) == [("info", "settings/baseline-outdated", "known.json:3")]
    assert [e["where"] for e in report["findings"][0]["evidence"]] == ["known.json:3"]
    assert found(body(fleet, "--ignore", "kustomize")) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: not JSON; create a new one with --write-baseline"),
        ("[]", ":1: not a fluxdoctor baseline; create a new one with --write-baseline"),
        ('{"fluxdoctor-baseline": 2, "findings": []}',
         ":1: baseline format 2 is not supported (supported: 1); create a new one with --write-baseline"),
        ('{"fluxdoctor-baseline": 1, "findings": [{}]}',
         ": entry 1 must have the string keys rule, object, cluster, message, fingerprint; create a new one with --write-baseline"),
        (None, ": no such baseline; create it with --write-baseline FILE"),
    ],
)  # fmt: skip
def test_a_bad_baseline_is_exit_code_2(text: str | None, said: str, fleet: Path, tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    if text is not None:
        file.write_text(text)
    done = run(fleet, "--baseline", str(file))
    assert (done.exit_code, done.stdout, done.stderr) == (
        2,
        "",
        f"fluxdoctor: {file}{said.replace('FILE', str(file))}\n",
    )


def test_a_bad_settings_file_is_exit_code_2(fleet: Path) -> None:
    settings(fleet, "fail-on = 3\n")
    done = run(fleet)
    file = fleet / "fluxdoctor.toml"
    assert (done.exit_code, done.stderr) == (
        2,
        f"fluxdoctor: {file}:1: fail-on 3 is invalid; valid: error, warning, info, never\n",
    )
    settings(fleet, '\n[rules]\nselect = "kustomise"\n')
    done = run(fleet)
    assert (done.exit_code, done.stderr) == (
        2, "fluxdoctor: fluxdoctor.toml:3: no rule matches 'kustomise'; did you mean kustomize, kustomize/base-cycle "
        "or kustomize/plugin-used? (to list all rules, run: fluxdoctor rules)\n",
    )  # fmt: skip
    assert run(fleet, "--config", "a", "--no-config").exit_code == 2


def test_the_command_line_wins(fleet: Path, tmp_path: Path) -> None:
    settings(fleet, 'fail-on = "never"\n[rules]\nignore = "kustomize"\n')
    assert (run(fleet).exit_code, found(body(fleet))) == (0, [])
    assert run(fleet, "--ignore", "helm").exit_code == 0
    assert run(fleet, "--ignore", "helm", "--fail-on", "error").exit_code == 1
    other = tmp_path / "other.toml"
    other.write_text('[severity]\n"kustomize" = "info"\n')
    assert found(body(fleet, "--config", str(other))) == [("info", *ERROR[1:])]
    assert run(fleet, "--config", str(other)).exit_code == 0


def test_with_changed_since_only_what_is_new_is_said_of_ignores(fleet: Path) -> None:
    settings(fleet, '[[ignore]]\nrule = "kustomize/path-not-found"\n')
    git(fleet, "add", "-A")
    git(fleet, "commit", "-qm", "begin")
    assert found(body(fleet, "--changed-since", "HEAD")) == []
    write(fleet, {APP: WRONG.replace("./aps", "./aps # fluxdoctor: ignore[kustomize]")})
    assert found(body(fleet, "--changed-since", "HEAD")) == [("warning", "settings/ignore-without-reason", f"{APP}:6")]


def test_an_inline_ignore_that_is_taken_out_is_worse_than_before(fleet: Path) -> None:
    write(fleet, {APP: WRONG.replace("./aps", "./aps # fluxdoctor: ignore[kustomize/path-not-found] soon")})
    git(fleet, "add", "-A")
    git(fleet, "commit", "-qm", "begin")
    assert run(fleet, "--changed-since", "HEAD").exit_code == 0
    write(fleet, {APP: WRONG})
    assert found(body(fleet, "--changed-since", "HEAD")) == [ERROR]


def test_the_other_formats_tell_or_leave_out(fleet: Path, tmp_path: Path) -> None:
    settings(fleet, '[[ignore]]\nrule = "kustomize/path-not-found"\nreason = "a *b*"\n')
    names = ("sarif", "markdown", "junit", "github", "gitlab")
    done = run(fleet, "-v", *(arg for n in names for arg in ("--output", f"{n}={tmp_path / n}")))
    said = {name: (tmp_path / name).read_text() for name in names}
    assert "1 would fail   broken, but no cause is shown   1 ignored" in done.stdout
    assert "Ignored: kustomize/path-not-found Kustomization/flux-system/apps: a *b* (fluxdoctor.toml:1)" in " ".join(
        done.stdout.split()
    )
    result = json.loads(said["sarif"])["runs"][0]["results"]
    assert [(r["ruleId"], r["suppressions"]) for r in result] == [
        ("kustomize/path-not-found",
         [{"kind": "external", "status": "accepted", "justification": "a *b* (fluxdoctor.toml:1)"}])
    ]  # fmt: skip
    assert said["markdown"].splitlines()[-5:] == [
        "<details><summary>1 ignored</summary>", "",
        "- kustomize/path\\-not\\-found Kustomization/flux\\-system/apps: a \\*b\\* \\(fluxdoctor.toml:1\\)", "", "</details>",
    ]  # fmt: skip
    assert (said["github"], said["gitlab"], "path-not-found" in said["junit"]) == (
        "::notice title=Ignored::1 object would fail; findings not shown: 1 ignored\n", "[]\n", False,
    )  # fmt: skip
    write(fleet, {"fluxdoctor.toml": "", APP: WRONG.replace("./aps", "./aps # fluxdoctor: ignore[kustomize] soon")})
    run(fleet, "--output", f"sarif={tmp_path / 'sarif'}")
    (result,) = json.loads((tmp_path / "sarif").read_text())["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "inSource", "status": "accepted", "justification": f"soon ({APP}:6)"}]

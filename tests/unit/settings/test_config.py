"""`fluxdoctor config`: what is in force, and where it is from."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from fluxdoctor.cli.main import cli


def lines(*arguments: str) -> list[str]:
    done = CliRunner().invoke(cli, ["config", *arguments])
    assert done.exit_code == 0
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_without_a_file_all_is_default(tmp_path: Path) -> None:
    assert lines(str(tmp_path), "--explain") == [
        "file none", "fail-on default error", "baseline default none", "rules.select default all", "rules.ignore default none",
    ]  # fmt: skip


def test_each_setting_and_where_it_is_from(tmp_path: Path) -> None:
    (tmp_path / "fluxdoctor.toml").write_text(
        'fail-on = "warning"\nbaseline = "b.json"\n[rules]\nselect = ["helm"]\n[severity]\n"helm/*" = "info"\n'
        '[[ignore]]\nrule = "helm/*"\npath = "apps/**"\nexpires = 2027-01-31\nreason = "so"\n'
    )
    given = ("--fail-on", "never", "--ignore", "notify")
    assert lines(str(tmp_path), "--explain", *given) == [
        "file fluxdoctor.toml",
        "fail-on command line never",
        f"baseline fluxdoctor.toml:2 {tmp_path / 'b.json'}",
        "rules.select fluxdoctor.toml:4 helm",
        "rules.ignore command line notify",
        "severity.helm/* fluxdoctor.toml:6 info",
        "ignore fluxdoctor.toml:7 helm/* path apps/** until 2027-01-31: so",
    ]
    assert lines(str(tmp_path))[1] == "fail-on warning"
    assert lines(str(tmp_path), "--no-config")[:2] == ["file none", "fail-on error"]


def test_a_bad_file_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "fluxdoctor.toml").write_text("x = 1\n")
    done = CliRunner().invoke(cli, ["config", str(tmp_path)])
    assert (done.exit_code, done.stderr) == (
        2, f"fluxdoctor: {tmp_path / 'fluxdoctor.toml'}:1: unknown key 'x'; "
           "known: fail-on, baseline, rules, severity, ignore\n",
    )  # fmt: skip

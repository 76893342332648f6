"""Completion scripts, and what they get when they ask."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from fluxdoctor.cli.output import printable
from tests.helpers.program import run
from tests.helpers.worlds import INCIDENTS, rules


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_asks_for_its_shell(shell: str) -> None:
    done = run("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_FLUXDOCTOR_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_reads_its_script() -> None:
    script = run("completion", "bash").stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False).stderr == ""  # noqa: S607


def test_commands_are_completed() -> None:
    done = run(_FLUXDOCTOR_COMPLETE="bash_complete", COMP_WORDS="fluxdoctor dia", COMP_CWORD="1")
    assert done.stdout == "plain,diagnose\n"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("explain kustomize/path-n", ["kustomize/path-not-directory", "kustomize/path-not-found"]),
        ("check --ignore imag", ["image", *(r.id for r in rules().rules if r.id.startswith("imag"))]),
        ("diagnose --rule kustomize/path-not-f", ["kustomize/path-not-found"]),
        ("explain no/such", []),
        ("diagnose --output s", ["sarif="]),
        ("diagnose --format ju", ["junit"]),
    ],
)
def test_rules_and_formats_are_completed(words: str, offered: list[str]) -> None:
    line = f"fluxdoctor {words}"
    done = run(_FLUXDOCTOR_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words.split())))
    assert (done.stderr, done.stdout.split()) == ("", [f"plain,{name}" for name in offered])


def test_what_was_not_asked_of_a_live_cluster_is_no_noise() -> None:
    from datetime import UTC, datetime

    from fluxdoctor.model.finding import Report, Skipped
    from fluxdoctor.report.text import render

    skipped = (Skipped("oci/x", None, "no OCI registry was asked", asked=False),)
    report = Report("live", datetime(2026, 1, 1, tzinfo=UTC), (), skipped, 1, 0, 1, name="prod")
    assert "skipped" not in render(report)
    assert "1 rule skipped: no OCI registry was asked" in render(report, verbose=True)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("command", [("graph",), ("diagnose", "ks/apps", "-n", "flux-system", "--fail-on", "never")])
def test_boxes_are_ascii_where_the_terminal_has_no_others(command: tuple[str, ...], encoding: str) -> None:
    source = str(INCIDENTS / "cascade-chain-top")
    told = run(*command, "--from", source, PYTHONIOENCODING=encoding, LC_ALL="C", COLUMNS="100")
    whole = run(*command, "--from", source, PYTHONIOENCODING="utf-8", COLUMNS="100")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.isascii()
    assert told.stdout == whole.stdout.translate(str.maketrans("└├│─", "`||-"))


def test_what_a_terminal_lacks_is_an_escape_and_no_traceback() -> None:
    assert printable("日本 └─ ü…", "latin-1") == "\\u65e5\\u672c `- ü..."
    assert printable("└─ ü", "utf-8") == "└─ ü"
    assert printable("└─ ü", "no-such-encoding") == printable("└─ ü", None) == "`- \\xfc"


@pytest.mark.parametrize("format_", ["html", "markdown", "junit"])
def test_what_a_machine_reads_is_utf8_on_any_terminal(format_: str) -> None:
    told = run("demo", "--fail-on", "never", "--format", format_, PYTHONIOENCODING="latin-1")
    assert (told.returncode, told.stderr) == (0, "")


def test_no_color_wins() -> None:
    source = str(INCIDENTS / "cascade-chain-top")
    assert "\x1b[" in run("graph", "--from", source, FORCE_COLOR="1").stdout
    assert "\x1b" not in run("graph", "--from", source, FORCE_COLOR="1", NO_COLOR="1").stdout


@pytest.mark.parametrize("width", ["40", "60", "80"])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_narrow_terminals_and_ones_without_unicode(width: str, encoding: str) -> None:
    told = run("demo", "--fail-on", "never", COLUMNS=width, PYTHONIOENCODING=encoding, LC_ALL="C")
    assert (told.returncode, told.stderr) == (0, "")
    assert max(len(line) for line in told.stdout.splitlines()) <= int(width)

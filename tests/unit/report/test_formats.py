"""The report's formats: the same findings in all, each by its own schema, and text of the cluster harmless in each."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema

from fluxdoctor.model.finding import Confidence, Evidence, Finding, Ignored, Report, Severity, Skipped
from fluxdoctor.model.resource import Location, Ref
from fluxdoctor.report.formats import NAMES, WRITTEN, render
from tests.helpers.program import replay
from tests.helpers.worlds import ROOT

SCHEMAS = ROOT / "tests/schemas"
HOSTILE = "<script>alert(1)</script> ]]> @everyone #1 `x` ::error::x\n::set-output name=a::b\r\x1b[31m\u202e\ud800 %0A www.x.io http://x.io [a](b)"


def _report(text: str) -> Report:
    finding = Finding(
        "helm/x", Severity.ERROR, Confidence.PROVEN, Ref("HelmRelease", "a", text), text, text, text,
        evidence=(Evidence.field(text, text),), location=Location(f"a,b:{text}", 3, 2), field=text,
        blocks=(Ref("Kustomization", "a", text),), clusters=(text,), also=(Ref("HelmRelease", "b", text),),
    )  # fmt: skip
    note = Finding("helm/y", Severity.INFO, Confidence.LIKELY, Ref("HelmRelease", "a", "b"), text, text)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    hidden = Ignored(note, "settings", text, text, text)
    return Report("check", at, (finding, note), (Skipped("helm/z", None, text),), 2, 1, 9, name=text, ignored=(hidden,))


def _sarif(text: str) -> None:
    jsonschema.Draft7Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text("utf-8"))).validate(json.loads(text))


def _junit(text: str) -> None:
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(ET.fromstring(text))  # noqa: S314 - our own


@pytest.mark.parametrize("name", ["cascade-chain-top", "healthy-baseline", "hr-dependson-not-ready"])
def test_reports_follow_their_schemas(name: str, tmp_path: Path) -> None:
    files = {format_: tmp_path / format_ for format_ in NAMES}
    done = replay(name, *(arg for f, file in files.items() for arg in ("--output", f"{f}={file}")))
    assert done.stderr == ""
    said = {format_: file.read_text("utf-8") for format_, file in files.items()}
    _sarif(said["sarif"])
    _junit(said["junit"])
    found = [(f["rule"], f["fingerprint"]) for f in json.loads(said["json"])["findings"]]
    run = json.loads(said["sarif"])["runs"][0]
    assert [(r["ruleId"], r["partialFingerprints"]["fluxdoctor/v1"]) for r in run["results"]] == found
    assert [(i["check_name"], i["fingerprint"]) for i in json.loads(said["gitlab"])] == found
    cases = [c.attrib["classname"] for c in ET.fromstring(said["junit"]).iter("testcase")]  # noqa: S314 - our own
    assert [c for c in cases if "/" in c] == [rule for rule, _ in found]
    for rule, _ in found:
        assert f"title={rule}," in said["github"]
        assert rule in said["markdown"]


@pytest.mark.parametrize("format_", NAMES)
def test_exit_codes_do_not_depend_on_the_format(format_: str) -> None:
    assert replay("cascade-chain-top", "--format", format_).returncode == 1
    assert replay("healthy-baseline", "--format", format_).returncode == 0
    assert replay("cascade-chain-top", "--format", format_, "--fail-on", "never").returncode == 0


@pytest.mark.parametrize("format_", WRITTEN)
def test_text_of_the_cluster_is_harmless(format_: str) -> None:
    said = render(format_, _report(HOSTILE))
    said.encode("utf-8")  # no lone surrogate
    assert "\x1b" not in said
    assert "\u202e" not in said
    if format_ == "markdown":
        said = re.sub(r"`` .*? ``", "", said)  # code: shown as it is
    if format_ in ("markdown", "junit"):
        assert "<script>" not in said


def test_a_workflow_command_is_one_line() -> None:
    lines = render("github", _report(HOSTILE)).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::notice", "::notice", "::notice"]
    assert lines[0].startswith(
        "::error title=helm/x,file=a%2Cb%3A<script>alert(1)</script> ]]> @everyone #1 `x` %3A%3Aerror%3A%3Ax%0A"
    )


def test_hostile_reports_follow_their_schemas() -> None:
    _sarif(render("sarif", _report(HOSTILE)))
    _junit(render("junit", _report(HOSTILE)))


def test_markdown_undoes_tags_links_and_mentions() -> None:
    from fluxdoctor.report.markdown import escape

    assert escape("<b> @me #1 http://x www.x a_b\n# c") == (
        "&lt;b&gt; @<!-- -->me \\#<!-- -->1 http:<!-- -->//x www<!-- -->.x a\\_b \\#<!-- --> c"
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [("sarif", "'sarif' is not FORMAT=FILE"), ("saif=x", "'saif=x' is not FORMAT=FILE"), ("json=", "'json=' is not")],
)
def test_a_wrong_output_is_exit_code_2(value: str, words: str) -> None:
    done = replay("healthy-baseline", "--output", value)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())


def test_an_output_that_cannot_be_written_is_exit_code_2_and_loses_nothing(tmp_path: Path) -> None:
    written = tmp_path / "x.md"
    outputs = ("--output", "json=/no/such/folder/x", "--output", "sarif=/", "--output", f"markdown={written}")
    done = replay("healthy-baseline", *outputs)
    assert (done.returncode, done.stdout) == (2, replay("healthy-baseline").stdout)
    assert done.stderr == (
        "fluxdoctor: --output json=/no/such/folder/x cannot be written: No such file or directory\n"
        "--output sarif=/ cannot be written: Is a directory\n"
    )
    assert written.read_text("utf-8") == replay("healthy-baseline", "--format", "markdown").stdout

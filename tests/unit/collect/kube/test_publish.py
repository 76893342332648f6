"""Report objects and metrics as text, and where metrics go; the objects meet a real API server in tests/e2e."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from fluxdoctor.collect.net import metrics
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.model.finding import Confidence, Finding, Report, Severity, Skipped
from fluxdoctor.model.resource import Location, Ref
from fluxdoctor.report import openreports, prometheus
from tests.helpers.pipelines import ROOT
from tests.helpers.program import run
from tests.helpers.worlds import NAMES, report_of
from tests.servers.pushgateway import pushgateway
from tests.servers.serving import free_port

HOSTILE = 'x"} 1\nup 0 \\ \x1b[31m\u202ered'
#: The grammar of a sample: https://prometheus.io/docs/instrumenting/exposition_formats (text format 0.0.4).
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\n|\\")*"'
_SAMPLE = re.compile(rf"fluxdoctor_[a-z_]+(?:\{{{_LABEL}(?:,{_LABEL})*\}})? -?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def found(**more: object) -> Finding:
    base = Finding(
        "helm/a", Severity.ERROR, Confidence.PROVEN, Ref("HelmRelease", "apps", "web"), "is wrong", "Mend it."
    )
    return replace(base, **more)  # type: ignore[arg-type]


def report(*findings: Finding, skipped: tuple[Skipped, ...] = ()) -> Report:
    return Report("live", datetime(2026, 1, 1, 12, tzinfo=UTC), findings, skipped, objects=7, not_ready=2, rules=3)


def test_metrics() -> None:
    blocked = found(blocks=(Ref("Kustomization", "apps", "a"),))
    note = found(severity=Severity.INFO, subject=Ref("Namespace", "", "x"), confidence=Confidence.LIKELY)
    text = prometheus.render(
        report(blocked, note, skipped=(Skipped("", None, "y"), Skipped("a/b", None, "z", asked=False)))
    )
    first = 'rule="helm/a",severity="error",confidence="proven",kind="HelmRelease",namespace="apps",name="web"'
    second = 'rule="helm/a",severity="info",confidence="likely",kind="Namespace",namespace="",name="x"'
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "fluxdoctor_report_timestamp_seconds 1767268800",
        'fluxdoctor_verdict{verdict="healthy"} 0',
        'fluxdoctor_verdict{verdict="broken"} 1',
        'fluxdoctor_verdict{verdict="incomplete"} 0',
        'fluxdoctor_findings{severity="error"} 1',
        'fluxdoctor_findings{severity="warning"} 0',
        'fluxdoctor_findings{severity="info"} 1',
        f'fluxdoctor_finding_info{{{first},fingerprint="{blocked.fingerprint}"}} 1',
        f'fluxdoctor_finding_info{{{second},fingerprint="{note.fingerprint}"}} 1',
        f'fluxdoctor_finding_blocked_objects{{{first},fingerprint="{blocked.fingerprint}"}} 1',
        f'fluxdoctor_finding_blocked_objects{{{second},fingerprint="{note.fingerprint}"}} 0',
        "fluxdoctor_objects 7",
        "fluxdoctor_objects_not_ready 2",
        "fluxdoctor_rules 3",
        "fluxdoctor_not_checked 1",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_metrics_of_every_incident_are_samples_each_once(name: str) -> None:
    lines = [line for line in prometheus.render(report_of(name)).splitlines() if not line.startswith("#")]
    assert [line for line in lines if not _SAMPLE.fullmatch(line)] == []
    series = [line.rpartition(" ")[0] for line in lines]
    assert sorted(series) == sorted(set(series))


def test_hostile_text_stays_in_its_label_and_in_its_field() -> None:
    bad = found(subject=Ref("HelmRelease", "apps", HOSTILE), message=HOSTILE, fix=HOSTILE)
    text = prometheus.render(report(bad))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in lines if not _SAMPLE.fullmatch(line)] == []
    openreports_text = openreports.render(report(bad))
    assert "\x1b" not in text + openreports_text
    assert "\u202e" not in text + openreports_text
    objects = list(yaml.safe_load_all(openreports_text))
    assert [o["kind"] for o in objects] == ["ClusterReport", "Report"]
    assert objects[1]["results"][0]["message"] == 'x"} 1\nup 0 \\ \\x1b[31m\\u202ered'


def test_report_objects() -> None:
    one = found(
        severity=Severity.WARNING, also=(Ref("Kustomization", "apps", "b"),), field="spec.x", location=Location("a.yaml", 3, 1),
        blocks=tuple(Ref("Kustomization", "n", str(i)) for i in range(22)), url="https://example.com/a",
    )  # fmt: skip
    skipped = (Skipped("helm/b", Ref("HelmRelease", "apps", "c"), "forbidden"), Skipped("", None, "Secret: forbidden"))
    at = {"seconds": 1767268800, "nanos": 0}
    names = ", ".join(f"Kustomization/n/{i}" for i in range(20))
    assert openreports.objects(report(one, skipped=skipped)) == [
        {
            "apiVersion": "openreports.io/v1alpha1", "kind": "ClusterReport",
            "metadata": {"name": "fluxdoctor", "labels": {"app.kubernetes.io/managed-by": "fluxdoctor"}},
            "source": "fluxdoctor", "summary": {"error": 0, "fail": 0, "pass": 0, "skip": 1, "warn": 0},
            "results": [
                {"policy": "fluxdoctor", "source": "fluxdoctor", "result": "skip", "message": "Secret: forbidden", "timestamp": at}
            ],
        },
        {
            "apiVersion": "openreports.io/v1alpha1", "kind": "Report",
            "metadata": {"name": "fluxdoctor", "namespace": "apps", "labels": {"app.kubernetes.io/managed-by": "fluxdoctor"}},
            "source": "fluxdoctor", "summary": {"error": 0, "fail": 0, "pass": 0, "skip": 1, "warn": 1},
            "results": [
                {
                    "policy": "helm/a", "category": "helm", "source": "fluxdoctor", "result": "warn", "severity": "medium",
                    "scored": True, "message": "is wrong", "timestamp": at,
                    "resources": [
                        {"kind": "HelmRelease", "namespace": "apps", "name": "web"},
                        {"kind": "Kustomization", "namespace": "apps", "name": "b"},
                    ],
                    "properties": {
                        "fix": "Mend it.", "confidence": "proven", "fingerprint": one.fingerprint, "field": "spec.x",
                        "location": "a.yaml:3", "blocks": f"22: {names} and 2 more", "url": "https://example.com/a",
                    },
                },
                {
                    "policy": "helm/b", "source": "fluxdoctor", "result": "skip", "message": "forbidden", "timestamp": at,
                    "resources": [{"kind": "HelmRelease", "namespace": "apps", "name": "c"}],
                },
            ],
        },
    ]  # fmt: skip


def test_a_namespace_that_can_hold_no_object() -> None:
    objects = openreports.objects(report(found()), {"apps"})
    assert [(o["kind"], [r["policy"] for r in o["results"]]) for o in objects] == [("ClusterReport", ["helm/a"])]


def test_an_object_stays_below_what_etcd_takes() -> None:
    much = [found(key=str(i), message="m" * 5000, fix="f" * 5000, field="d" * 5000) for i in range(600)]
    published = openreports.objects(report(*much))[1]
    assert published["summary"]["fail"] == 600
    dropped = 600 - len(published["results"][:-1])
    assert 0 < dropped < 600
    assert published["results"][-1] == {
        "policy": "fluxdoctor",
        "result": "skip",
        "message": f"{dropped} more results are not shown here",
    }
    assert [r["properties"]["fingerprint"] for r in published["results"][:-1]] == [
        f.fingerprint for f in much[: 600 - dropped]
    ]
    assert len(json.dumps(published).encode()) < 1.5 * 2**20


def test_a_file_is_replaced_in_one_step_and_readable(tmp_path: Path) -> None:
    path = tmp_path / "fluxdoctor.prom"
    path.write_text("old")
    metrics.to_file("new\n", path)
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [p.name for p in tmp_path.iterdir()] == ["fluxdoctor.prom"]
    with pytest.raises(metrics.MetricsError, match=r"/no/such/folder/x\.prom: No such file or directory"):
        metrics.to_file("new\n", Path("/no/such/folder/x.prom"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(metrics.MetricsError, match="folder: Is a directory"):
        metrics.to_file("new\n", tmp_path / "folder")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fluxdoctor.prom", "folder"]


def test_a_pushgateway() -> None:
    with pushgateway() as gateway:
        metrics.push("a 1\n", f"{gateway.url}/", Deadline(10))
    assert gateway.got == [("PUT", "/metrics/job/fluxdoctor", "text/plain; version=0.0.4; charset=utf-8", "a 1\n")]
    with pushgateway(400, "text format parsing error") as gateway, pytest.raises(metrics.MetricsError) as refused:
        metrics.push("a\n", gateway.url, Deadline(10))
    assert str(refused.value) == f"{gateway.url}/metrics/job/fluxdoctor: HTTP 400: text format parsing error"
    with pytest.raises(metrics.MetricsError, match="no answer"):
        metrics.push("a 1\n", f"http://127.0.0.1:{free_port()}", Deadline(10))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--publish", "somewhere"), "use openreports, pushgateway=URL or textfile=FILE"),
        (("--publish", "openreports=x"), "use openreports, pushgateway=URL or textfile=FILE"),
        (("--publish", "textfile"), "use openreports, pushgateway=URL or textfile=FILE"),
        (("--publish", "pushgateway=ftp://x"), "the Pushgateway must be an http or https URL"),
        (("--publish", "pushgateway=http://u:canary-pw@x"), "the Pushgateway URL must not contain credentials"),
        (("--publish", "openreports", "-n", "apps"), "cannot be used with KIND/NAME, --from or --namespace"),
        (("--publish", "openreports", "--from", "."), "cannot be used with KIND/NAME, --from or --namespace"),
        (("kustomization/apps", "--publish", "openreports"), "cannot be used with KIND/NAME, --from or --namespace"),
    ],
    ids=str,
)
def test_a_mistake_is_told_before_anything_is_read(args: tuple[str, ...], words: str) -> None:
    done = run("diagnose", *args, KUBECONFIG="/no/such/file")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in " ".join(done.stderr.split())
    assert "canary-pw" not in done.stderr


@pytest.mark.parametrize(
    ("file", "args"),
    [
        ("role.yaml", ("--service-account", "fluxdoctor/fluxdoctor")),
        ("publisher.yaml", ("--publish", "openreports", "--service-account", "fluxdoctor/fluxdoctor")),
    ],
)
def test_the_roles_of_the_deployment_are_those_that_rbac_prints(file: str, args: tuple[str, ...]) -> None:
    assert run("rbac", *args).stdout == (ROOT / "deploy" / file).read_text("utf-8")

"""`fluxdoctor check --online` against a Helm repository that listens here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from tests.helpers.fleet import (
    finding_rows,
    git,
    needs_kustomize,
    run_check,
    write,
)
from tests.servers.helm_repo import HelmServer, answering, helm_server

pytestmark = needs_kustomize

INDEX = b"""\
apiVersion: v1
entries:
  web:
  - {apiVersion: v2, name: web, version: 1.4.0, urls: [web-1.4.0.tgz]}
  - {apiVersion: v2, name: web, version: 1.3.0, urls: [web-1.3.0.tgz]}
"""
REPOSITORY = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: acme, namespace: web}
spec: {interval: 1h, url: "URL"SECRET}
"""
RELEASE = """\
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: NAME, namespace: web}
spec:
  interval: 10m
  chart:
    spec:
      chart: CHART
      version: "VERSION"
      sourceRef: {kind: HelmRepository, name: acme}
"""


@pytest.fixture
def charts() -> Iterator[HelmServer]:
    with helm_server({"/index.yaml": INDEX}) as server:
        yield server


def release(name: str, chart: str, version: str) -> str:
    return RELEASE.replace("NAME", name).replace("CHART", chart).replace("VERSION", version)


def declare(folder: Path, url: str, *releases: str, secret: str = "") -> None:
    named = f", secretRef: {{name: {secret}}}" if secret else ""
    repository = REPOSITORY.replace("URL", url).replace("SECRET", named)
    write(folder, {"apps/releases.yaml": repository + "".join(releases)})


def skipped(result: Result) -> list[str]:
    return [s["why"] for s in json.loads(result.output)["skipped"] if s["rule"] == ""]


def ask(folder: Path, *more: str) -> Result:
    return run_check(str(folder), "--online", "--format", "json", *more)


def test_versions_that_are_not_offered(fleet: Path, charts: HelmServer) -> None:
    declare(
        fleet, charts.url(), release("good", "web", "1.x"), release("old", "web", "0.9.0"), release("typo", "wep", "1.4.0"),
        release("open", "web", "${VERSION}"),
    )  # fmt: skip
    result = ask(fleet, "--allow-local")
    assert finding_rows(result) == [
        ("error", "helm/chart-not-in-index", "apps/releases.yaml:35", ["clusters/prod"]),
        ("error", "helm/chart-version-missing", "apps/releases.yaml:25", ["clusters/prod"]),
    ]
    assert [f["message"] for f in json.loads(result.output)["findings"]] == [
        "HelmRepository/web/acme has no chart wep; did you mean web?",
        "0.9.0 matches no version of chart web; HelmRepository/web/acme offers 1.4.0, 1.3.0",
    ]
    assert (result.exit_code, skipped(result)) == (1, [])


def test_nothing_is_asked_unless_it_is_wanted(fleet: Path, charts: HelmServer) -> None:
    declare(fleet, charts.url(), release("old", "web", "0.9.0"))
    assert finding_rows(run_check(str(fleet), "--format", "json")) == []
    assert charts.paths == []


def test_a_loopback_address_is_refused(fleet: Path, charts: HelmServer) -> None:
    declare(fleet, charts.url(), release("old", "web", "0.9.0"))
    result = ask(fleet)
    assert (result.exit_code, finding_rows(result), charts.paths) == (3, [], [])
    assert skipped(result) == [
        f"{charts.url('/index.yaml')}: 127.0.0.1 is a loopback address: contacted only with --allow-local"
    ]


def test_a_repository_that_does_not_answer_is_not_one_without_charts(fleet: Path, charts: HelmServer) -> None:
    charts.odd["/index.yaml"] = answering(500)
    declare(fleet, charts.url(), release("old", "web", "0.9.0"))
    result = ask(fleet, "--allow-local")
    assert (result.exit_code, finding_rows(result)) == (3, [])
    assert skipped(result) == [
        f"{charts.url('/index.yaml')}: 127.0.0.1:{charts.port} answers 500 Internal Server Error"
    ]


def test_a_repository_with_a_login_is_not_asked(fleet: Path, charts: HelmServer) -> None:
    declare(fleet, charts.url(), release("old", "web", "0.9.0"), secret="acme-login")
    result = ask(fleet, "--allow-local")
    assert (result.exit_code, finding_rows(result), charts.paths) == (0, [], [])
    assert skipped(result) == [f"{charts.url('/index.yaml')}: Secret/web/acme-login was not read"]


def test_a_repository_that_wants_a_login_after_all(fleet: Path, charts: HelmServer) -> None:
    charts.login = "who:what"
    declare(fleet, charts.url(), release("old", "web", "0.9.0"))
    result = ask(fleet, "--allow-local")
    assert (result.exit_code, finding_rows(result)) == (0, [])


def test_several_clusters_ask_once_and_each_gets_the_answer(fleet: Path, charts: HelmServer) -> None:
    sync = (fleet / "clusters/prod/flux-system/gotk-sync.yaml").read_text()
    apps = (fleet / "clusters/prod/apps.yaml").read_text()
    write(fleet, {
        "clusters/test/flux-system/gotk-sync.yaml": sync.replace("clusters/prod", "clusters/test"),
        "clusters/test/apps.yaml": apps,
    })  # fmt: skip
    declare(fleet, charts.url(), release("old", "web", "0.9.0"))
    result = ask(fleet, "--allow-local", "--no-cache")
    assert finding_rows(result) == [
        ("error", "helm/chart-version-missing", "apps/releases.yaml:14", ["clusters/prod", "clusters/test"])
    ]
    assert charts.paths == ["/index.yaml"]


def test_a_version_that_was_missing_before_is_no_fault_of_the_change(fleet: Path, charts: HelmServer) -> None:
    declare(fleet, charts.url(), release("old", "web", "0.9.0"))
    git(fleet, "add", "-A")
    git(fleet, "commit", "-qm", "an old fault")
    assert finding_rows(ask(fleet, "--allow-local", "--changed-since", "HEAD")) == []
    declare(fleet, charts.url(), release("old", "web", "0.9.0"), release("new", "web", "2.x"))
    assert finding_rows(ask(fleet, "--allow-local", "--changed-since", "HEAD")) == [
        ("error", "helm/chart-version-missing", "apps/releases.yaml:25", ["clusters/prod"])
    ]

"""Flux's vocabulary: states, times, revisions, and whose words are believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fluxdoctor.model import flux
from fluxdoctor.model.failures import Failures
from fluxdoctor.model.flux import State
from fluxdoctor.model.resource import Fields, Ref
from fluxdoctor.model.snapshot import Versions
from fluxdoctor.model.times import age, duration, moment
from tests.helpers.worlds import condition, world

RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: web, namespace: apps}}\nspec: {spec}\nstatus: {status}\n"
WEB = Ref("HelmRelease", "apps", "web")


def failures(status: str, spec: str = "{}", more: str = "") -> Failures:
    return world(RELEASE.format(spec=spec, status=status) + more).failures


@pytest.mark.parametrize(
    ("status", "spec", "state"),
    [
        ("{}", "{}", State.NEW),
        ("{conditions: [{type: Ready, status: 'True'}]}", "{}", State.READY),
        ("{conditions: [{type: Ready, status: 'False'}]}", "{}", State.FAILED),
        ("{conditions: [{type: Ready, status: Unknown}]}", "{}", State.PROGRESSING),
        ("{conditions: [{type: Stalled, status: 'True'}, {type: Ready, status: Unknown}]}", "{}", State.FAILED),
        ("{conditions: [{type: Ready, status: 'False'}]}", "{suspend: true}", State.SUSPENDED),
        ("{conditions: {type: Ready}}", "{}", State.NEW),
        ("nonsense", "nonsense", State.NEW),
    ],
)
def test_state(status: str, spec: str, state: State) -> None:
    resource = world(RELEASE.format(spec=spec, status=status)).cluster.get(WEB)
    assert resource
    assert flux.state(resource) is state


@pytest.mark.parametrize("kind", ["Alert", "Provider"])
def test_kinds_without_a_status_are_static(kind: str) -> None:
    text = f"apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: {kind}\nmetadata: {{name: x, namespace: apps}}\n"
    (resource,) = world(text).cluster.flux
    assert flux.state(resource) is State.STATIC


def test_a_helm_repository_of_type_oci_is_static() -> None:
    text = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: x, namespace: apps}\nspec: {type: oci}\n"
    (resource,) = world(text).cluster.flux
    assert flux.state(resource) is State.STATIC


def test_the_words_of_a_failure_most_direct_first() -> None:
    released = condition("UpgradeFailed", "the reason").replace("type: Ready", "type: Released")
    rolled = condition("RollbackSucceeded", "rolled back")
    event = (
        "---\nkind: Event\napiVersion: v1\nmetadata: {name: e, namespace: apps}\ntype: Warning\nreason: UpgradeFailed\n"
        'message: "an event\\n\\nLast Helm logs:\\n\\nnoise"\nlastTimestamp: "%s"\n'
        "involvedObject: {kind: HelmRelease, apiVersion: helm.toolkit.fluxcd.io/v2, namespace: apps, name: web}\n"
    )
    found = failures(f"{{conditions: [{released}, {rolled}]}}", more=event % "2026-01-01T10:57:00Z").of(WEB)
    assert found
    assert [(w.message, w.reason, w.where) for w in found.words] == [
        ("rolled back", "RollbackSucceeded", "condition Ready=False"),
        ("the reason", "UpgradeFailed", "condition Released=False"),
        ("an event", "UpgradeFailed", "event"),
    ]
    old = failures(f"{{conditions: [{rolled}]}}", more=event % "2026-01-01T09:00:00Z").of(WEB)
    assert old
    assert [w.message for w in old.words] == ["rolled back"]


EVENT = (
    "---\nkind: Event\napiVersion: v1\nmetadata: {name: e, namespace: apps}\ntype: Warning\nreason: UpgradeFailed\nmessage: kaputt\n"
    'lastTimestamp: "2026-01-01T10:59:30Z"\n'
    "involvedObject: {kind: HelmRelease, apiVersion: helm.toolkit.fluxcd.io/v2, namespace: apps, name: web}\n"
)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("failures: 1", ["kaputt"]),
        ("failures: 0", []),
        ("failures: 1, history: [{lastDeployed: '2026-01-01T10:00:00Z'}]", ["kaputt"]),
        ("failures: 1, history: [{lastDeployed: '2026-01-01T10:59:50Z'}]", []),
    ],
)
def test_a_ready_release_that_counts_failures_is_looked_at(status: str, words: list[str]) -> None:
    """The counter stays after a retry that succeeded: only an event that is newer than the release tells."""
    ready = condition("UpgradeSucceeded", "fine", "True")
    found = failures(f"{{conditions: [{ready}], {status}}}", more=EVENT).failed
    assert [w.message for f in found for w in f.words] == words


NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (-5, "0s"),
        (59, "59s"),
        (60, "1m"),
        (95, "1m35s"),
        (3600, "1h"),
        (8000, "2h13m"),
        (90000, "1d1h"),
        (172800, "2d"),
    ],
)
def test_age(seconds: int, words: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h30m", 5400),
        ("10m", 600),
        ("1m0s", 60),
        ("1.5s", 1.5),
        ("100ms", 0.1),
        ("", 7),
        ("abc", 7),
        ("5", 7),
        ("1h x", 7),
        ("9" * 400 + "h", 3153600000),
    ],
)
def test_duration(text: str, seconds: float) -> None:
    assert duration(text, timedelta(seconds=7)).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "9999999999"])
def test_no_moment(text: str) -> None:
    assert moment(text) is None


def test_moment() -> None:
    assert moment("2026-01-01T13:00:00.5+01:00") == NOW.replace(microsecond=500000)
    assert moment("2026-01-01T12:00:00Z") == NOW


@pytest.mark.parametrize(
    ("revision", "short"),
    [
        ("main@sha1:605b2e81ffffffff", "main@sha1:605b2e81"),
        ("6.5.0", "6.5.0"),
        ("sha256:605b2e81ffff", "sha256:605b2e81"),
        ("", ""),
    ],
)
def test_short(revision: str, short: str) -> None:
    assert flux.short(revision) == short


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://git.example.com/a", "git.example.com"), ("ssh://git@h:2222/a", "h:2222"), ("git@github.com:a/b", "github.com"),
        ("oci://r.io:5000/x", "r.io:5000"), ("https://u:p@h/x", "h"), ("x", ""), ("", ""),
    ],
)  # fmt: skip
def test_host(url: str, host: str) -> None:
    assert flux.host(url) == host


@pytest.mark.parametrize(
    ("identifier", "ref"),
    [
        ("flux-system_apps_kustomize.toolkit.fluxcd.io_Kustomization", "Kustomization/flux-system/apps"),
        ("_apps__Namespace", "Namespace/apps"),
        ("ns_system__role_rbac.authorization.k8s.io_Role", "Role/ns/system:role"),
        ("ns_x_pkg.crossplane.io_Provider", "Provider.pkg.crossplane.io/ns/x"),
        ("", "None"), ("x", "None"), ("__", "None"),
    ],
)  # fmt: skip
def test_inventory_ref(identifier: str, ref: str) -> None:
    assert str(flux.inventory_ref(identifier)) == ref


def test_versions() -> None:
    versions = Versions({"helm-controller": "v1.6.3 (upstream helm v4.2.4)", "flux": "latest"})
    assert versions.of("helm-controller") == (1, 6)
    assert versions.of("flux") is None
    assert versions.of("gone") is None


def test_readers_are_total() -> None:
    view = Fields({"a": {"b.c": [1, "x", {"d": True}], "n": 3, "t": None}})
    assert view.text("a.n") == ""
    assert view.text("a.t", "default") == "default"
    assert view.strings(("a", "b.c")) == ("x",)
    assert [r.dotted for r in view.rows(("a", "b.c"))] == ["a.b.c[2]"]
    assert view.flag(("a", "b.c", 2, "d")) is True
    assert view.number("a.n") == 3
    assert view.number(("a", "b.c", 2, "d"), -1) == -1
    assert view.keys("a") == ("b.c", "n", "t")
    assert view.fields("a.n").body == {}
    assert view.get(("a", "b.c", 9)) is None
    assert list(view.items("a")) == []


@pytest.mark.parametrize(
    ("legacy", "modern"),
    [
        (f"main/{'a' * 40}", f"main@sha1:{'a' * 40}"),
        (f"refs/heads/main/{'0' * 40}", f"refs/heads/main@sha1:{'0' * 40}"),
        (f"6.5.0/{'b' * 64}", f"6.5.0@sha256:{'b' * 64}"),
        ("c" * 40, f"sha1:{'c' * 40}"),
        (f"main@sha1:{'a' * 40}", f"main@sha1:{'a' * 40}"),
        ("main/nothing-like-a-commit", "main/nothing-like-a-commit"),
        (f"main/{'z' * 40}", f"main/{'z' * 40}"),
        ("6.5.0", "6.5.0"),
        ("", ""),
    ],
)
def test_a_revision_of_flux_before_2_is_read_as_one_of_2(legacy: str, modern: str) -> None:
    assert flux.modern(legacy) == modern

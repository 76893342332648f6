"""A live cluster is diagnosed as its snapshot is, by whoever may see what, and however badly its API server behaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from json import loads
from pathlib import Path
from typing import Any

import pytest

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect import live
from fluxdoctor.collect.kube import cluster as sources
from fluxdoctor.collect.kube.api import Api
from fluxdoctor.collect.kube.cluster import Scope
from fluxdoctor.collect.kube.login import ClusterError, ClusterLogin, connect
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.store import save, snapshot_folder
from fluxdoctor.model.finding import Finding, Severity
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.report import json
from tests.e2e import incident, users
from tests.e2e.cluster import Cluster
from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.incident import INCIDENTS
from tests.helpers.gaps import gap

#: One of each family; those whose proof is in git, an index or a registry are the collectors' own tests.
SAMPLE = (
    "cascade-chain-top", "cascade-git-server-down", "ctl-kustomize-down", "git-bad-credentials", "git-suspended-stale",
    "healthy-baseline", "healthy-reconciling", "helmrepo-404", "hr-dependson-missing", "hr-target-namespace-missing",
    "hr-upgrade-rollback", "hr-values-cm-missing", "ks-deleting-stuck", "ks-dependson-self", "ks-health-crashloop",
    "ks-health-imagepull", "ks-health-unschedulable", "ks-namespace-terminating", "ks-rbac-wrong-subject-ns",
    "ks-removed-from-parent", "multi-path-and-secret", "notif-receiver-secret-no-token", "oci-secret-missing",
)  # fmt: skip


def read(cluster: Cluster, user: str = users.ADMIN, *, server: str = "", seconds: float = 60, **more: Any) -> Snapshot:
    login = ClusterLogin(
        str(cluster.kubeconfig(user, server=server, auth=more.pop("auth", "token"))), **more.pop("login", {})
    )
    target = live.ClusterTarget(login, Scope(**more), live.Probing.NONE)
    return live.collect(target, Deadline(seconds), tuple)


def said(snapshot: Snapshot) -> list[tuple[str, str, str, tuple[Ref, ...]]]:
    shown = [f for f in diagnose(snapshot).findings if f.severity is not Severity.INFO]
    return [(f.rule, str(f.severity), str(f.subject), f.blocks) for f in shown]


def replayed(name: str) -> Snapshot:
    """The recorded incident with the facts that a cluster alone gives."""
    files = {p: b for p, b in incident.files(INCIDENTS / name).items() if not p.startswith(("git/", "helm/", "oci/"))}
    return snapshot_folder.parse(files, name)


@pytest.mark.parametrize("name", SAMPLE)
def test_live_and_replay_say_the_same(name: str, cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / name, datetime.now(UTC))
    assert said(read(cluster)) == said(replayed(name))


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_snapshot_replays_to_the_report_of_the_live_run(kind: str, cluster: Cluster, tmp_path: Path) -> None:
    incident.load(cluster, INCIDENTS / "multi-path-and-secret", datetime.now(UTC))
    snapshot = read(cluster)
    path = tmp_path / ("x" if kind == "folder" else "x.tgz")
    save.save(snapshot, path)
    differs = ("mode", "name")
    before, after = (
        {k: v for k, v in json.body(diagnose(s)).items() if k not in differs}
        for s in (snapshot, snapshot_folder.load(path))
    )
    assert after == before


@pytest.mark.parametrize("auth", ["token", "token-file", "certificate", "exec"])
def test_every_way_to_log_in(auth: str, cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    snapshot = read(cluster, auth=auth)
    assert (len(snapshot.cluster.flux), snapshot.gaps) == (20, ())
    assert snapshot.versions.found["kubernetes"].startswith("v1.")


def test_impersonation_sees_what_that_user_may_see(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    snapshot = read(cluster, login={"as_user": users.NO_RIGHTS})
    assert len(snapshot.cluster.flux) == 0
    assert (
        gap("forbidden", "Kustomization", f"forbidden: {users.NO_RIGHTS} cannot list it in all namespaces")
        in snapshot.gaps
    )


def test_rights_in_one_namespace_give_a_useful_report_that_says_what_it_could_not_see(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    snapshot = read(cluster, users.ONE_NAMESPACE)
    ((rule, _, subject, blocks),) = said(snapshot)
    assert (rule, subject, len(blocks)) == ("kustomize/path-not-found", "Kustomization/flux-system/sources", 3)
    why = f"forbidden: {users.ONE_NAMESPACE} cannot list it in all namespaces; seen in flux-system only"
    assert {gap("forbidden", "HelmRelease", why), gap("forbidden", "Deployment", why)} <= set(snapshot.gaps)
    assert {d.name for d in snapshot.cluster.all("Deployment")} >= {"source-controller", "kustomize-controller"}
    assert snapshot.cluster.look(Ref("HelmRelease", "podinfo", "nothing")).unknown
    assert snapshot.cluster.look(Ref("Kustomization", "flux-system", "nothing")).absent


def test_a_secret_that_may_not_be_read_is_unknown_and_not_absent(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "git-bad-credentials", datetime.now(UTC))
    snapshot = read(cluster, users.NO_SECRETS)
    secrets = {gap for gap in snapshot.gaps if str(gap.scope).startswith("Secret/")}
    assert {gap.why for gap in secrets} == {f"forbidden: {users.NO_SECRETS} cannot get it in flux-system"}
    assert all(snapshot.cluster.look(Ref(*str(gap.scope).split("/"))).unknown for gap in secrets)


def test_only_secrets_that_flux_objects_name_are_asked_for_and_never_listed(
    cluster: Cluster, proxy: FaultProxy
) -> None:
    incident.load(cluster, INCIDENTS / "git-bad-credentials", datetime.now(UTC))
    snapshot = read(cluster, server=proxy.url)
    asked = {
        seen.path for seen in proxy.requests if "/secrets" in seen.path and seen.query.get("labelSelector") is None
    }
    known = {f"/api/v1/namespaces/{r.namespace}/secrets/{r.name}" for r in snapshot.cluster.all("Secret")}
    assert asked >= known
    assert all(path.count("/") == 6 for path in asked), asked
    assert {seen.method for seen in proxy.requests} == {"GET"}
    assert {seen.accept_encoding for seen in proxy.requests} == {"gzip"}


def test_the_pull_secrets_of_a_service_account_are_read_for_the_registries(cluster: Cluster) -> None:
    meta = {"namespace": "flux-system"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "puller", **meta}}
    pull = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", **meta}}
    spec = {"interval": "5m", "url": "oci://registry.test/web", "serviceAccountName": "puller"}
    repository = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "OCIRepository",
        "metadata": {"name": "web", **meta},
    }
    base = incident.recorded(INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    more: list[dict[str, Any]] = [
        {**account, "imagePullSecrets": [{"name": "pull"}]},
        {**pull, "stringData": {"x": "y"}},
        {**repository, "spec": spec},
    ]
    incident.load_objects(cluster, base + more)
    login = ClusterLogin(str(cluster.kubeconfig(users.ADMIN)))
    deadline = Deadline(60)
    with connect(login, deadline) as connection:
        vault = sources.collect(Api(connection, deadline), connection, Scope(), lambda _: None).vault
    assert vault.accounts[("flux-system", "puller")] == ("pull",)
    held = vault.get("flux-system", "pull")
    assert held is not None
    assert held.entries == {"x": b"y"}


PASSING = [
    ("429", {"times": 2, "seconds": 1}),
    ("500", {"times": 1}),
    ("503", {"times": 1}),
    ("cut", {"times": 1}),
    ("cut-chunked", {"times": 1}),
    ("truncated", {"times": 1}),
    ("slow", {"times": 1, "seconds": 2}),
    ("garbage", {"times": 1}),
]
LASTING = [
    ("403", "forbidden"),
    ("500", "server error: Internal error occurred: etcdserver: leader changed"),
    ("429", "too many requests: Too many requests, please try again later."),
    ("cut", "the connection was cut"),
    ("truncated", "the answer is not valid JSON: it is damaged or truncated"),
    ("garbage", "the answer does not match its content encoding"),
    ("html", "the answer is not valid JSON: it is damaged or truncated"),
    ("huge", "the answer is larger than 80 MiB"),
    ("gzip-bomb", "the answer is larger than 80 MiB"),
    ("410", "expired"),
]
PATH = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases"


@pytest.mark.parametrize(("kind", "more"), PASSING, ids=lambda v: v if isinstance(v, str) else "")
def test_a_fault_that_passes_leaves_no_trace(
    kind: Any, more: dict[str, Any], cluster: Cluster, proxy: FaultProxy
) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    proxy.fault(PATH, kind=kind, **more)
    snapshot = read(cluster, server=proxy.url)
    assert snapshot.gaps == ()
    assert len(snapshot.cluster.all("HelmRelease")) == len(replayed("cascade-chain-top").cluster.all("HelmRelease"))


@pytest.mark.parametrize(("kind", "why"), LASTING, ids=lambda v: v[:9])
def test_a_fault_that_lasts_is_a_gap_and_nothing_else_is_lost(
    kind: Any, why: str, cluster: Cluster, proxy: FaultProxy
) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    whole = read(cluster)
    proxy.fault(PATH, kind=kind, seconds=1)
    began = time.monotonic()
    snapshot = read(cluster, server=proxy.url, seconds=30)
    assert time.monotonic() - began < 35
    assert next(gap for gap in snapshot.gaps if str(gap.scope) == "HelmRelease").why.startswith(why)
    assert {r.ref for r in whole.cluster.flux if r.kind != "HelmRelease"} <= {r.ref for r in snapshot.cluster.flux}
    assert said(snapshot)[0][0] == "kustomize/path-not-found"


def test_a_list_that_expires_between_two_pages_is_read_to_its_end(cluster: Cluster, proxy: FaultProxy) -> None:
    base = incident.recorded(INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    one = next(o for o in base if o["kind"] == "HelmRepository")
    many = [{**one, "metadata": {**one["metadata"], "name": f"charts-{i}"}} for i in range(1100)]
    incident.load_objects(cluster, base + many)
    fault = proxy.fault("/apis/source.toolkit.fluxcd.io/v1/helmrepositories", kind="410", continued=True, times=1)
    snapshot = read(cluster, server=proxy.url)
    assert fault.seen >= 1
    assert [gap for gap in snapshot.gaps if str(gap.scope) == "HelmRepository"] == []
    assert len([r for r in snapshot.cluster.all("HelmRepository") if r.name.startswith("charts-")]) == len(many)


def test_an_api_server_that_never_answers_ends_with_the_deadline(cluster: Cluster, proxy: FaultProxy) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    proxy.fault(PATH, kind="stall")
    began = time.monotonic()
    snapshot = read(cluster, server=proxy.url, seconds=6)
    assert time.monotonic() - began < 12
    assert "HelmRelease" in {str(gap.scope) for gap in snapshot.gaps}
    assert said(snapshot)[0][0] == "kustomize/path-not-found"


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_an_answer_that_does_not_come_to_its_end_is_a_gap_at_the_deadline(
    kind: Any, cluster: Cluster, proxy: FaultProxy
) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    whole = read(cluster)
    proxy.fault(PATH, kind=kind, seconds=120)
    began = time.monotonic()
    snapshot = read(cluster, server=proxy.url, seconds=6)
    assert time.monotonic() - began < 12
    assert next(gap for gap in snapshot.gaps if str(gap.scope) == "HelmRelease").why == "timed out"
    assert {r.ref for r in whole.cluster.flux if r.kind != "HelmRelease"} <= {r.ref for r in snapshot.cluster.flux}
    assert said(snapshot)[0][0] == "kustomize/path-not-found"


def test_an_answer_that_drips_and_ends_in_time_is_whole(cluster: Cluster, proxy: FaultProxy) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    proxy.fault(PATH, kind="drip", seconds=2)
    snapshot = read(cluster, server=proxy.url, seconds=30)
    assert snapshot.gaps == ()
    assert len(snapshot.cluster.all("HelmRelease")) == len(replayed("cascade-chain-top").cluster.all("HelmRelease"))


@pytest.mark.parametrize("kind", ["401", "500", "html", "stall"])
def test_a_cluster_that_cannot_be_asked_at_all_is_one_clear_line(
    kind: Any, cluster: Cluster, proxy: FaultProxy
) -> None:
    proxy.fault("/", kind=kind)
    with pytest.raises(ClusterError) as error:
        read(cluster, server=proxy.url, seconds=5)
    expected = "does not accept the credentials of context e2e" if kind == "401" else "(context e2e) does not answer: "
    assert expected in str(error.value)


def test_an_unknown_certificate_authority_is_said(cluster: Cluster, tmp_path: Path) -> None:
    config = cluster.kubeconfig(users.ADMIN)
    other = tmp_path / "config"
    other.write_text(config.read_text().replace('"certificate-authority"', '"x-certificate-authority"'))
    with pytest.raises(ClusterError, match="does not answer: TLS: "):
        live.collect(live.ClusterTarget(ClusterLogin(str(other)), probing=live.Probing.NONE), Deadline(5), tuple)


def test_a_namespace_scope_reads_what_its_objects_refer_to(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    snapshot = read(cluster, namespaces=("podinfo",))
    assert {str(r.ref) for r in snapshot.cluster.flux} == {
        "HelmChart/flux-system/podinfo-podinfo",
        "HelmRelease/podinfo/podinfo",
        "HelmRepository/flux-system/acme-charts",
    }


def test_one_object_with_its_kin(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    snapshot = read(cluster, focus=Ref("Kustomization", "flux-system", "infra-configs"))
    found: tuple[Finding, ...] = diagnose(snapshot).findings
    assert [str(f.subject) for f in found if f.severity is Severity.ERROR] == ["Kustomization/flux-system/sources"]


def _diagnose(config: Path) -> list[str]:
    return [sys.executable, "-m", "fluxdoctor", "diagnose", "--kubeconfig", str(config), "--no-probe"]


def test_an_upgrade_is_asked_about_of_a_live_cluster(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "healthy-baseline", datetime.now(UTC))
    config = cluster.kubeconfig(users.ADMIN)

    def asked(*target: str) -> tuple[int, list[tuple[str, str, str]]]:
        argv = [*_diagnose(config), "--rule", "upgrade", "--format", "json", *target]
        done = subprocess.run(  # noqa: S603 - our own program
            argv, capture_output=True, text=True, timeout=120, check=False
        )
        found = loads(done.stdout)["findings"]
        return done.returncode, [(f["rule"], f["subject"]["name"], f["message"]) for f in found]

    needs = "Flux 2.9 requires Kubernetes 1.33 or newer, but the cluster will have 1.30"
    old = ("upgrade/kubernetes-too-old", "source-controller", needs)
    assert asked() == (0, [])
    assert asked("--target-flux", "2.9", "--target-kubernetes", "1.36") == (0, [])
    assert asked("--target-flux", "2.9", "--target-kubernetes", "1.30") == (1, [old])


def test_ctrl_c_prints_what_is_known_and_leaves_nothing(cluster: Cluster, proxy: FaultProxy, tmp_path: Path) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    proxy.fault(PATH, kind="stall")
    config = cluster.kubeconfig(users.ADMIN, server=proxy.url)
    argv = [*_diagnose(config), "--timeout", "60s"]
    env = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "100"}
    with subprocess.Popen(  # noqa: S603 - our own program
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as run:
        while not any(seen.path == PATH for seen in proxy.requests):
            time.sleep(0.05)
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=20)
    assert run.returncode == 1
    assert err == "\nfluxdoctor: interrupted; showing partial results\n"
    assert "kustomize/path-not-found" in out
    unseen = " ".join(out.partition("Not checked: ")[2].split())
    assert unseen.startswith("HelmRelease, ")
    assert ": cancelled" in unseen
    assert list(tmp_path.iterdir()) == []

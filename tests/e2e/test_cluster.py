"""The test cluster itself: who may see what, how one can log in, and that nothing of it stays behind."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e import build, incident, kinds, users
from tests.e2e import cluster as clusters
from tests.e2e.api import Api, ApiError
from tests.e2e.cluster import Auth, Cluster
from tests.e2e.incident import INCIDENTS

KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases"
FLUX_SYSTEM = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations"


def kubectl(kubeconfig: Path, *words: str) -> tuple[int, str, str]:
    """Run a real client; return its exit code, what it printed and what it complained of."""
    done = subprocess.run(  # noqa: S603 - the kubectl that the rig has built
        [build.command("kubectl"), "--kubeconfig", kubeconfig, "--cache-dir", kubeconfig.with_suffix(".cache"), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_it_serves_the_flux_kinds_of_the_release_and_no_other(cluster: Cluster) -> None:
    assert cluster.admin.call("GET", "/version")["gitVersion"] == "v1.36.3"
    names = [crd["metadata"]["name"] for crd in cluster.admin.listed(kinds.PATH) if "fluxcd" in crd["metadata"]["name"]]
    assert sorted(names) == [
        "alerts.notification.toolkit.fluxcd.io",
        "artifactgenerators.source.extensions.fluxcd.io",
        "buckets.source.toolkit.fluxcd.io",
        "externalartifacts.source.toolkit.fluxcd.io",
        "gitrepositories.source.toolkit.fluxcd.io",
        "helmcharts.source.toolkit.fluxcd.io",
        "helmreleases.helm.toolkit.fluxcd.io",
        "helmrepositories.source.toolkit.fluxcd.io",
        "imagepolicies.image.toolkit.fluxcd.io",
        "imagerepositories.image.toolkit.fluxcd.io",
        "imageupdateautomations.image.toolkit.fluxcd.io",
        "kustomizations.kustomize.toolkit.fluxcd.io",
        "ocirepositories.source.toolkit.fluxcd.io",
        "providers.notification.toolkit.fluxcd.io",
        "receivers.notification.toolkit.fluxcd.io",
    ]


def test_each_user_sees_what_it_may_and_nothing_else(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "healthy-baseline")
    paths = [
        KUSTOMIZATIONS,
        FLUX_SYSTEM,
        RELEASES,
        "/apis/helm.toolkit.fluxcd.io/v2/namespaces/podinfo/helmreleases",
        "/api/v1/secrets",
        "/api/v1/namespaces/flux-system/secrets",
        "/api/v1/namespaces",
        "/api/v1/namespaces/flux-system/events",
        "/apis/apps/v1/deployments",
        kinds.PATH,
        "/apis/kustomize.toolkit.fluxcd.io/v1",
        "/version",
    ]
    seen = {user: [cluster.api(user).request("GET", path).status for path in paths] for user in users.USERS}
    assert seen == {
        users.ADMIN: [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200],
        users.ONE_NAMESPACE: [403, 200, 403, 403, 403, 200, 403, 200, 403, 403, 200, 200],
        users.NO_SECRETS: [200, 200, 200, 200, 403, 403, 200, 200, 200, 200, 200, 200],
        users.NO_RIGHTS: [403, 403, 403, 403, 403, 403, 403, 403, 403, 403, 200, 200],
    }
    with pytest.raises(ApiError) as refused:
        cluster.api(users.NO_SECRETS).call("GET", "/api/v1/secrets")
    assert (
        refused.value.message
        == 'secrets is forbidden: User "no-secrets" cannot list resource "secrets" in API group "" at the cluster scope'
    )
    nobody = Api(cluster.server, cluster.ca_file, "no such token")
    assert nobody.request("GET", KUSTOMIZATIONS).status == 401


@pytest.mark.parametrize("auth", ["token", "token-file", "certificate", "exec"])
@pytest.mark.parametrize("user", [users.ADMIN, users.ONE_NAMESPACE])
def test_a_real_client_logs_in_with_each_kind_of_credentials(cluster: Cluster, user: str, auth: Auth) -> None:
    groups = {users.ADMIN: ["system:masters", "system:authenticated"], users.ONE_NAMESPACE: ["system:authenticated"]}
    code, said, _ = kubectl(cluster.kubeconfig(user, auth=auth), "auth", "whoami", "-o", "json")
    whoami = json.loads(said)["status"]["userInfo"]
    extra = [user] if auth == "certificate" and user != users.ADMIN else []
    assert (code, whoami["username"], sorted(whoami["groups"])) == (0, user, sorted(groups[user] + extra))


def test_whoever_has_a_certificate_or_an_account_is_known_and_may_what_is_granted(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "healthy-baseline")
    account = Api(cluster.server, cluster.ca_file, cluster.account_token("webapp", "default"))
    refused = [
        account.request("GET", RELEASES).status,
        kubectl(cluster.kubeconfig("eve", auth="certificate"), "get", "hr", "-A")[0],
    ]
    reads = [{"apiGroups": ["helm.toolkit.fluxcd.io"], "resources": ["helmreleases"], "verbs": ["list"]}]
    for user in ("eve", "system:serviceaccount:webapp:default"):
        for body in users.grant("ClusterRole", user, reads):
            incident.write(cluster.admin, body)
    until(lambda: account.request("GET", RELEASES).status == 200)
    code, said, _ = kubectl(cluster.kubeconfig("eve", auth="certificate"), "get", "hr", "-A", "-o", "name")
    assert refused == [403, 1]
    assert (code, sorted(said.split())) == (
        0,
        [
            f"helmrelease.helm.toolkit.fluxcd.io/{name}"
            for name in ("cert-manager", "ingress-nginx", "podinfo", "redis")
        ],
    )


def test_an_administrator_may_act_as_another_user(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "healthy-baseline")
    admin = cluster.kubeconfig(users.ADMIN)
    allowed = kubectl(admin, "--as", users.ONE_NAMESPACE, "get", "kustomizations", "-n", "flux-system", "-o", "name")
    refused = kubectl(admin, "--as", users.ONE_NAMESPACE, "get", "kustomizations", "-A", "-o", "name")
    assert (allowed[0], sorted(allowed[1].split())) == (
        0,
        [
            f"kustomization.kustomize.toolkit.fluxcd.io/{name}"
            for name in ("apps", "flux-system", "infra-configs", "infra-controllers", "sources", "webapp")
        ],
    )
    assert (refused[0], refused[1]) == (1, "")
    assert 'User "one-namespace" cannot list resource "kustomizations"' in refused[2]


def test_reset_brings_back_what_was_there_and_takes_away_the_rest(cluster: Cluster) -> None:
    def keys() -> dict[bytes, bytes]:
        # What the API server renews by itself, and the definitions that an incident may bring: those stay.
        own = (
            b"/registry/leases/",
            b"/registry/masterleases/",
            b"/registry/peerserverleases/",
            b"/registry/ranges/",
            b"/registry/api",
        )
        return {e.key: e.value for e in cluster.etcd.entries() if not e.key.startswith(own)}

    cluster.reset()
    before = keys()
    incident.load(cluster, INCIDENTS / "ks-namespace-terminating")
    cluster.admin.call("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/e2e-no-secrets")
    assert keys() != before
    cluster.reset()
    assert keys() == before


def test_a_kind_whose_definition_is_gone_is_reported_and_not_dropped(cluster: Cluster) -> None:
    name = "ocirepositories.source.toolkit.fluxcd.io"
    cluster.delete_crd(name)
    try:
        bodies = [
            o
            for o in incident.recorded(INCIDENTS / "healthy-baseline")
            if o["kind"] in ("OCIRepository", "GitRepository")
        ]
        loaded = incident.load_objects(cluster, bodies)
        assert loaded.refused == {
            ("source.toolkit.fluxcd.io", "OCIRepository", "flux-system", "redis-chart"): (
                "source.toolkit.fluxcd.io/v1 OCIRepository is not served"
            )
        }
        sources = cluster.admin.listed("/apis/source.toolkit.fluxcd.io/v1/gitrepositories")
        assert sorted(o["metadata"]["name"] for o in sources) == ["flux-system", "webapp"]
    finally:
        kinds.install(cluster.admin, build.crds())
    assert cluster.admin.call("GET", "/apis/source.toolkit.fluxcd.io/v1/ocirepositories")["items"] == []


def test_what_the_api_server_refuses_is_reported_in_its_words(cluster: Cluster) -> None:
    body = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "default"},
        "spec": {"interval": "soon", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
    }
    refused = incident.load_objects(cluster, [body]).refused
    assert list(refused) == [("kustomize.toolkit.fluxcd.io", "Kustomization", "default", "apps")]
    assert 'spec.interval: Invalid value: "soon"' in next(iter(refused.values()))


def test_nothing_stays_behind_when_the_block_ends_in_an_error() -> None:
    seen: list[tuple[Path, list[Path]]] = []

    def fails() -> None:
        with clusters.running() as running:
            seen.append((running.folder, [p for p in Path("/proc").iterdir() if str(running.folder) in _argv(p)]))
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    ((folder, processes),) = seen
    assert len(processes) == 2
    assert [process for process in processes if process.exists()] == []
    assert not folder.exists()


def _argv(process: Path) -> str:
    try:
        return (process / "cmdline").read_text("utf-8")
    except OSError:
        return ""


def until(done: Callable[[], bool]) -> None:
    """Wait for what the API server does in a moment: it learns of new rights by a watch."""
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)

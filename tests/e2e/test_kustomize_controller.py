"""A real kustomize-controller on the real API server: its words, not ours."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import pytest

from tests.e2e import controller
from tests.e2e.api import Body
from tests.e2e.cluster import Cluster
from tests.e2e.controller import Artifacts, condition

APPS = {
    "apps/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [settings.yaml]\n",
    "apps/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: default}\ndata: {color: blue}\n",
    "broken/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [gone.yaml]\n",
}


@pytest.fixture
def store(cluster: Cluster) -> Iterator[Artifacts]:
    with controller.artifacts() as running, controller.running(cluster):
        yield running


def kustomization(name: str, path: str, **spec: object) -> Body:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {
            "interval": "10m",
            "path": path,
            "prune": True,
            "timeout": "10s",
            "sourceRef": {"kind": "GitRepository", "name": "fleet"},
            **spec,
        },
    }


def test_a_good_path_becomes_ready_and_a_wrong_one_says_so(cluster: Cluster, store: Artifacts) -> None:
    revision = store.publish(cluster, "flux-system", "fleet", APPS)
    create = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations"
    for body in (
        kustomization("apps", "./apps"),
        kustomization("typo", "./aps"),
        kustomization("broken", "./broken"),
        kustomization("after", "./apps", dependsOn=[{"name": "typo"}]),
    ):
        cluster.admin.call("POST", create, body)
    said = {}
    for name in ("apps", "typo", "broken", "after"):
        ready = condition(controller.settled(cluster, "flux-system", name), "Ready")
        message = re.sub(r"/\S*/kustomization-[^/]*?(?=/)", "TMP", ready["message"])
        said[name] = (ready["status"], ready["reason"], message)
    assert said == {
        "apps": ("True", "ReconciliationSucceeded", f"Applied revision: {revision}"),
        "typo": ("False", "ArtifactFailed", "kustomization path not found: stat TMP/aps: no such file or directory"),
        "broken": (
            "False",
            "BuildFailed",
            "kustomize build failed: accumulating resources: accumulation err='accumulating resources from 'gone.yaml': "
            "open TMP/broken/gone.yaml: no such file or directory': must build at directory: not a valid directory: "
            "evalsymlink failure on 'TMP/broken/gone.yaml' : lstat TMP/broken/gone.yaml: no such file or directory",
        ),
        "after": ("False", "DependencyNotReady", "dependency 'flux-system/typo' is not ready"),
    }
    applied = cluster.admin.call("GET", "/api/v1/namespaces/default/configmaps/settings")
    assert applied["data"] == {"color": "blue"}
    assert applied["metadata"]["labels"] == {
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    whole = controller.settled(cluster, "flux-system", "apps")
    assert whole["status"]["inventory"]["entries"] == [{"id": "default_settings__ConfigMap", "v": "v1"}]
    assert whole["status"]["lastAppliedRevision"] == revision


def test_a_new_revision_repairs_what_the_old_one_broke(cluster: Cluster, store: Artifacts) -> None:
    path = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations"
    store.publish(cluster, "flux-system", "fleet", {"README.md": "nothing yet\n"})
    cluster.admin.call("POST", path, kustomization("apps", "./apps"))
    broken = condition(controller.settled(cluster, "flux-system", "apps"), "Ready")
    revision = store.publish(cluster, "flux-system", "fleet", APPS)
    mended = controller.settled(
        cluster, "flux-system", "apps", lambda body: condition(body, "Ready")["status"] == "True"
    )
    assert (broken["status"], broken["reason"]) == ("False", "ArtifactFailed")
    assert condition(mended, "Ready")["message"] == f"Applied revision: {revision}"


def test_an_artifact_that_is_not_what_its_digest_says_is_refused(cluster: Cluster, store: Artifacts) -> None:
    path = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations"
    store.publish(cluster, "flux-system", "fleet", APPS)
    promised = hashlib.sha256(controller.packed(APPS)).hexdigest()
    for place in store.served:
        store.served[place] = controller.packed({"apps/other.yaml": "{}"})
    cluster.admin.call("POST", path, kustomization("apps", "./apps"))
    ready = condition(controller.settled(cluster, "flux-system", "apps"), "Ready")
    assert (ready["status"], ready["reason"], ready["message"]) == (
        "False",
        "ArtifactFailed",
        f"failed to verify archive: computed digest doesn't match provided 'sha256:{promised}' "
        "(check whether file size exceeds max download size)",
    )

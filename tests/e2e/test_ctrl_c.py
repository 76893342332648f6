"""Ctrl-C while a server drips: what is known is printed, and nothing of the run stays behind."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e import incident, users
from tests.e2e.api import Body
from tests.e2e.cluster import Cluster
from tests.e2e.hosts import Hosts
from tests.servers.helm_repo import answering, dripping, slow_body
from tests.servers.registry import HELM_LAYER

LAYER = "sha256:" + "0a" * 32
MANIFEST = json.dumps({"schemaVersion": 2, "layers": [{"mediaType": HELM_LAYER, "digest": LAYER, "size": 5 << 20}]})
DIGEST = f"sha256:{hashlib.sha256(MANIFEST.encode()).hexdigest()}"


def chart_by_reference(hosts: Hosts) -> list[Body]:
    """A release that was never tried, of a chart in a registry: its archive is pulled, for its schema."""
    ready = [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored",
              "lastTransitionTime": "2026-01-01T00:00:00Z"}]  # fmt: skip
    at = {"name": "web", "namespace": "flux-system"}
    return [
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": at,
            "spec": {"interval": "5m", "insecure": True, "url": f"oci://127.0.0.1:{hosts.helm.port}/acme/web",
                     "ref": {"tag": "1.0.0"}},
            "status": {"observedGeneration": 1, "conditions": ready, "artifact": {
                "revision": f"1.0.0@{DIGEST}", "digest": DIGEST, "path": "x", "url": "http://x",
                "lastUpdateTime": "2026-01-01T00:00:00Z"}},
        },
        {
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": at,
            "spec": {"interval": "5m", "chartRef": {"kind": "OCIRepository", "name": "web"}},
        },
    ]  # fmt: skip


@pytest.mark.parametrize("dripped", ["index", "tags", "blob"])
def test_ctrl_c_prints_what_is_known_and_leaves_nothing(
    dripped: str, cluster: Cluster, hosts: Hosts, tmp_path: Path
) -> None:
    objects = [*hosts.host("hr-version-not-found"), *chart_by_reference(hosts)]
    (index,) = hosts.helm.files
    registry = {
        "tags": ("/v2/acme/web/tags/list", answering(200, b'{"tags": ["1.0.0"]}')),
        "manifest": (f"/v2/acme/web/manifests/{DIGEST}", answering(200, MANIFEST.encode())),
        "tag": ("/v2/acme/web/manifests/1.0.0", answering(200, MANIFEST.encode())),
        "blob": (f"/v2/acme/web/blobs/{LAYER}", answering(404)),
    }
    path = index if dripped == "index" else registry[dripped][0]
    hosts.helm.odd |= dict(registry.values()) | {path: slow_body if dripped == "blob" else dripping}
    incident.load_objects(cluster, objects)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {
        **os.environ, "KUBECONFIG": str(cluster.kubeconfig(users.ADMIN)), "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "TMPDIR": str(scratch), "COLUMNS": "110",
    }  # fmt: skip
    argv = [sys.executable, "-m", "fluxdoctor", "diagnose", "--allow-local", "--timeout", "60s"]
    with subprocess.Popen(  # noqa: S603 - our own program
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as run:
        ends = time.monotonic() + 60
        while not any(asked.startswith(path) for asked in hosts.helm.paths) and time.monotonic() < ends:
            time.sleep(0.05)
        time.sleep(1)
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
        took = time.monotonic() - begun
    assert any(asked.startswith(path) for asked in hosts.helm.paths)
    assert (run.returncode, err) == (1, "\nfluxdoctor: interrupted; showing partial results\n")
    assert "helm/chart-version-missing" in out
    assert took < 15  # the server drips for a minute
    assert list(scratch.iterdir()) == []
    assert list((tmp_path / "cache").rglob(".part-*")) == []
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []

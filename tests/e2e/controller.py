"""A real kustomize-controller, and the server that it fetches its artifacts from, as source-controller would offer them.

with controller.artifacts() as store, controller.running(cluster):
    store.publish(cluster, "flux-system", "fleet", {"apps/kustomization.yaml": ...})
    ... apply a Kustomization ...
    controller.settled(cluster, "flux-system", "apps")
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import urllib3

from tests.e2e import build, incident, users
from tests.e2e.api import Body
from tests.e2e.cluster import Cluster
from tests.e2e.process import free_port, started

_START_SECONDS = 60
_SETTLE_SECONDS = 60
_POLL_SECONDS = 0.1
_STOP_SECONDS = 10
_KUSTOMIZE = "/apis/kustomize.toolkit.fluxcd.io/v1"


@dataclass(slots=True)
class Artifacts:
    """The artifacts that GitRepositories point to, kept in memory and served on loopback."""

    url: str
    served: dict[str, bytes] = field(default_factory=dict)

    def publish(self, cluster: Cluster, namespace: str, name: str, files: Mapping[str, str]) -> str:
        """Make or renew a GitRepository whose artifact holds these files, as source-controller would, and return its revision."""
        archive = packed(files)
        commit = hashlib.sha1(archive, usedforsecurity=False).hexdigest()  # the shape of a git commit, not one
        revision, path = f"main@sha1:{commit}", f"gitrepository/{namespace}/{name}/{commit}.tar.gz"
        self.served[f"/{path}"] = archive
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        artifact = {
            "digest": f"sha256:{hashlib.sha256(archive).hexdigest()}",
            "lastUpdateTime": now,
            "path": path,
            "revision": revision,
            "size": len(archive),
            "url": f"{self.url}/{path}",
        }
        said = f"stored artifact for revision '{revision}'"
        ready = {
            "lastTransitionTime": now,
            "message": said,
            "observedGeneration": 1,
            "reason": "Succeeded",
            "status": "True",
        }
        body = {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"interval": "10m", "url": f"https://git.example.com/{name}.git", "ref": {"branch": "main"}},
            "status": {
                "artifact": artifact,
                "conditions": [{**ready, "type": "Ready"}, {**ready, "type": "ArtifactInStorage"}],
                "observedGeneration": 1,
            },
        }
        incident.write(cluster.admin, body)
        return revision


def packed(files: Mapping[str, str]) -> bytes:
    """Return a .tar.gz of some files, the same bytes for the same files."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, text in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            data = text.encode()
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


@contextmanager
def artifacts() -> Iterator[Artifacts]:
    """Serve artifacts until the block ends."""
    store = Artifacts("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = store.served.get(self.path)
            self.send_response(200 if data is not None else 404)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        store.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield store
        finally:
            server.shutdown()
            thread.join(_STOP_SECONDS)


@contextmanager
def running(cluster: Cluster) -> Iterator[None]:
    """Run kustomize-controller against a cluster until the block ends. Raises build.BuildError, process.ProcessError."""
    health = free_port()
    argv: list[str | Path] = [
        build.command("kustomize-controller"),
        "--watch-all-namespaces=true",
        "--enable-leader-election=false",
        "--events-addr=",  # there is no notification-controller
        f"--health-addr=127.0.0.1:{health}",
        "--metrics-addr=0",
        "--interval-jitter-percentage=0",
        "--requeue-dependency=1s",
        "--http-retry=1",
        "--no-remote-bases=true",
        "--log-level=info",
    ]
    env = {
        "KUBECONFIG": str(cluster.kubeconfig(users.ADMIN)),
        "RUNTIME_NAMESPACE": users.HOME,
        "TMPDIR": str(cluster.folder),
        "HOME": str(cluster.folder),
    }
    http = urllib3.PoolManager(retries=False)

    def ready() -> bool:
        try:
            return http.request("GET", f"http://127.0.0.1:{health}/readyz", timeout=1).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    with started(argv, cluster.folder / "kustomize-controller.log", ready, seconds=_START_SECONDS, env=env):
        yield


def settled(cluster: Cluster, namespace: str, name: str, done: Callable[[Body], bool] | None = None) -> Body:
    """Wait for what the controller says of a Kustomization of this generation: Ready, or not with a reason. Raises TimeoutError."""
    path = f"{_KUSTOMIZE}/namespaces/{namespace}/kustomizations/{name}"
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        body = cluster.admin.call("GET", path)
        if (done or _said)(body):
            return body
        if time.monotonic() > deadline:
            raise TimeoutError(f"Kustomization {namespace}/{name} after {_SETTLE_SECONDS} s: {body.get('status')}")
        time.sleep(_POLL_SECONDS)


def _said(body: Body) -> bool:
    ready = condition(body, "Ready")
    return (
        ready.get("status") in ("True", "False") and ready.get("observedGeneration") == body["metadata"]["generation"]
    )


def condition(body: Body, kind: str) -> Body:
    """Return a condition of an object, empty where it has none of that type."""
    rows: list[Body] = body.get("status", {}).get("conditions", [])
    return next((row for row in rows if row["type"] == kind), {})

"""A change whose call ends early is never half told: the answer says whether it was made, was not made, or may have been."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from fluxdoctor.collect.kube.login import ClusterLogin
from fluxdoctor.collect.live import Probing
from fluxdoctor.mcp.front import front
from fluxdoctor.mcp.settings import ServerSettings

GROUP = "kustomize.toolkit.fluxcd.io"
ONE = {"kind": "ks", "name": "apps", "namespace": "flux-system"}
OBJECT = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "Kustomization",
    "metadata": {"name": "apps", "namespace": "flux-system", "generation": 1},
    "spec": {"interval": "10m", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
    "status": {"observedGeneration": 1, "lastHandledReconcileAt": "before"},
}
RESOURCES = [{"resource": "kustomizations", "responseKind": {"kind": "Kustomization"}, "scope": "Namespaced"}]
DISCOVERY = {
    "kind": "APIGroupDiscoveryList",
    "items": [{"metadata": {"name": GROUP}, "versions": [{"version": "v1", "resources": RESOURCES}]}],
}
PREFIX = "Error executing tool flux_reconcile_tool: "
TARGET = "Kustomization/flux-system/apps"
OVERDUE = (
    "no answer within 2 s (wait_seconds), so the process of this call was ended: ask for less (one namespace, object or folder), "
    "or set a higher limit. What became of the change: "
)
CHECK = ": check the object before you try again"
UNKNOWN = f"it is unknown whether the change of {TARGET} was carried out{CHECK}"


class ApiServer(ThreadingHTTPServer):
    """An API server with one Kustomization, which behaves badly at one method or after a change."""

    daemon_threads = True

    def __init__(self, fault: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fault = fault
        self.requests: list[str] = []
        self.has_changed = False


class Handler(BaseHTTPRequestHandler):
    """Answers, or drips: a header that never ends, which no time limit of a single read can end."""

    server: ApiServer

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Header: ")
        try:
            for _ in range(600):
                self.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:
            return

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.requests.append(f"GET {path}")
        if path in ("/api", "/apis"):
            self._answer(200, DISCOVERY if path == "/apis" else {"kind": "APIGroupDiscoveryList", "items": []})
        elif path == "/version":
            self._answer(200, {"major": "1", "minor": "33", "gitVersion": "v1.33.0"})
        elif self.server.fault == "get" or (self.server.fault == "wait" and self.server.has_changed):
            self._drip()
        elif path.endswith("/apps"):
            handled = {"lastHandledReconcileAt": "now"} if self.server.has_changed else {}
            self._answer(200, {**OBJECT, "status": {**OBJECT["status"], **handled}})  # type: ignore[dict-item]
        elif path.endswith("/kustomizations"):
            self._answer(200, {"kind": "KustomizationList", "metadata": {}, "items": [OBJECT]})
        else:
            self._answer(404, {"kind": "Status", "message": "not found"})

    def do_PATCH(self) -> None:
        self.server.requests.append(f"PATCH {self.path.partition('?')[0]}")
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.fault == "silent":
            time.sleep(20)
        elif self.server.fault == "drip":
            self._drip()
        elif self.server.fault.isdecimal():
            self._answer(int(self.server.fault), {"kind": "Status", "message": "no"})
        else:
            self.server.has_changed = True
            self._answer(200, OBJECT)


@contextmanager
def cluster(fault: str, folder: Path) -> Iterator[tuple[ApiServer, ServerSettings]]:
    """Run such an API server; give it, and the settings of a server that may change it."""
    with ApiServer(fault) as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{api.server_port}"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "users": [{"name": "a", "user": {}}],
        }  # fmt: skip
        (folder / "config").write_text(json.dumps(config), "utf-8")
        login = ClusterLogin(str(folder / "config"))
        yield api, ServerSettings(login=login, writes=True, probing=Probing.NONE, workers=1)
        api.shutdown()


def use(settings: ServerSettings, calls: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Call tools of a server with worker processes; return the texts of the answers."""

    async def run() -> list[str]:
        server = front(settings)
        try:
            with anyio.fail_after(90):
                async with Client(server) as client:
                    answers = [await client.call_tool(tool, arguments) for tool, arguments in calls]
                    return [str(getattr(answer.content[0], "text", "")) for answer in answers]
        finally:
            server.close()

    return anyio.run(run)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("get", f"{OVERDUE}nothing was changed"),
        ("drip", f"{OVERDUE}{UNKNOWN}"),
        ("wait", f"{OVERDUE}{TARGET} was changed, and the outcome is unknown{CHECK}"),
        ("silent", f"the API server rejected the request or did not answer: «timed out»; {UNKNOWN}"),
        ("500", f"the API server rejected the request or did not answer: «server error: no»; {UNKNOWN}"),
        ("422", "the API server rejected the request or did not answer: «HTTP 422: no»"),
    ],
)
def test_the_end_of_a_call_says_what_became_of_the_change(fault: str, words: str, tmp_path: Path) -> None:
    with cluster(fault, tmp_path) as (_, settings):
        (text,) = use(settings, [("flux_reconcile_tool", {**ONE, "wait_seconds": 2})])
    assert text == PREFIX + words


def test_after_a_change_the_cluster_is_read_again_though_another_process_made_it(tmp_path: Path) -> None:
    listed = "flux_kustomizations_list_tool"
    with cluster("", tmp_path) as (api, settings):
        use(settings, [(listed, {}), (listed, {}), ("flux_reconcile_tool", {**ONE, "wait_seconds": 5}), (listed, {})])
        lists = [request for request in api.requests if request.endswith("/kustomizations")]
    assert len(lists) == 2

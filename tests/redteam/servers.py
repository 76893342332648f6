"""Servers on loopback, on ports that the system gives: one that records, a Kubernetes API, a git server, and hostile ones."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.redteam.kit import Box

Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    handler: http.server.BaseHTTPRequestHandler = field(repr=False)

    @property
    def authorization(self) -> str:
        return self.headers.get("Authorization", "")


class Server:
    """Answers each request by a function, and remembers all of them."""

    def __init__(self, answer: Callable[[Request], Answer | None]) -> None:
        """``answer`` returns None when it has written the answer itself."""
        self.requests: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                outer.requests.append(f"{self.command} {self.path}")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, _, query = self.path.partition("?")
                reply = answer(Request(self.command, path, query, dict(self.headers.items()), body, self))
                if reply is None:
                    self.close_connection = True
                    return
                status, headers, content = reply
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    **headers,
                    "Content-Length": str(len(content)),
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names of http.server

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    return

            def log_message(self, *_: object) -> None:
                return

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                return

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def serve(box: Box, answer: Callable[[Request], Answer | None]) -> Server:
    server = Server(answer)
    box.closers.append(server.close)
    return server


def recorder(box: Box, content: bytes) -> Server:
    """Answer everything with one content."""
    return serve(box, lambda _: (200, {"Content-Type": "text/plain"}, content))


def silent(box: Box) -> tuple[int, threading.Event]:
    """Accept connections and never answer; return the port, and what is set when somebody has asked."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    is_asked = threading.Event()
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                held.append(listening.accept()[0])
            except OSError:
                return
            is_asked.set()

    threading.Thread(target=accept, daemon=True).start()

    def close() -> None:
        listening.close()
        for one in held:
            one.close()

    box.closers.append(close)
    return listening.getsockname()[1], is_asked


def git_server(box: Box, root: Path) -> Server:
    """Serve a repository over git's HTTP protocol, at any path."""

    def answer(request: Request) -> Answer:
        service = "git-upload-pack"
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(box.folder("home")), "GIT_CONFIG_NOSYSTEM": "1"}
        if protocol := request.headers.get("Git-Protocol"):
            environment["GIT_PROTOCOL"] = protocol
        body = gzip.decompress(request.body) if request.headers.get("Content-Encoding") == "gzip" else request.body
        is_first = request.path.endswith("/info/refs")
        if not is_first and not request.path.endswith(service):
            return 404, {}, b""
        command = ["git", "upload-pack", "--stateless-rpc", *(["--advertise-refs"] if is_first else []), str(root)]
        reply = subprocess.run(command, input=body, capture_output=True, env=environment, check=False).stdout
        head = b"001e# service=git-upload-pack\n0000" if is_first else b""
        return (
            200,
            {"Content-Type": f"application/x-{service}-{'advertisement' if is_first else 'result'}"},
            head + reply,
        )

    return serve(box, answer)


_KINDS = {
    ("", "v1"): ("Secret", "ConfigMap", "Namespace", "Event", "ServiceAccount", "Pod"),
    ("apps", "v1"): ("Deployment", "ReplicaSet"),
    ("source.toolkit.fluxcd.io", "v1"): ("GitRepository", "HelmRepository", "HelmChart", "OCIRepository", "Bucket"),
    ("kustomize.toolkit.fluxcd.io", "v1"): ("Kustomization",),
    ("helm.toolkit.fluxcd.io", "v2"): ("HelmRelease",),
    ("image.toolkit.fluxcd.io", "v1"): ("ImagePolicy", "ImageRepository", "ImageUpdateAutomation"),
    ("notification.toolkit.fluxcd.io", "v1"): ("Receiver",),
    ("notification.toolkit.fluxcd.io", "v1beta3"): ("Alert", "Provider"),
    ("apiextensions.k8s.io", "v1"): ("CustomResourceDefinition",),
}
_CLUSTER_WIDE = ("Namespace", "CustomResourceDefinition")


def _plural(kind: str) -> str:
    return f"{kind[:-1].lower()}ies" if kind.endswith("y") else f"{kind.lower()}s"


def kube_api(
    box: Box, objects: list[dict[str, Any]], odd: Callable[[Request, str], Answer | None] = lambda *_: None
) -> Server:
    """Serve objects as a Kubernetes API does. ``odd`` may answer first; it gets the kind that is listed, "" for none."""

    def answer(request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        group, version, rest = (
            ("", parts[1:2], parts[2:]) if parts[0] == "api" else ("".join(parts[1:2]), parts[2:3], parts[3:])
        )
        namespace = rest[1] if len(rest) > 2 and rest[0] == "namespaces" else ""
        rest = rest[2:] if namespace else rest
        kinds = _KINDS.get((group, "".join(version)), ())
        kind = next((k for k in kinds if rest and _plural(k) == rest[0]), "")
        if reply := odd(request, kind):
            return reply
        api_version = "/".join(filter(None, (group, *version)))
        content = _discovery(request.path) or _resources(api_version, kinds, rest)
        content = content or _objects(
            [o for o in objects if o["kind"] == kind and o["apiVersion"] == api_version], namespace, rest
        )
        return (
            int(content.get("code", 200)),
            {},
            json.dumps({"apiVersion": api_version, "kind": f"{kind}List", **content}).encode(),
        )

    return serve(box, answer)


def _discovery(path: str) -> dict[str, Any]:
    if path == "/version":
        return {"gitVersion": "v1.36.0", "major": "1", "minor": "36"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path != "/apis":
        return {}
    by_group: dict[str, list[dict[str, str]]] = {}
    for group, version in _KINDS:
        by_group.setdefault(group, []).append({"groupVersion": f"{group}/{version}", "version": version})
    groups = [{"name": g, "versions": vs, "preferredVersion": vs[0]} for g, vs in by_group.items() if g]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _resources(api_version: str, kinds: tuple[str, ...], rest: list[str]) -> dict[str, Any]:
    """Return the kinds of a group and version; {} if the path goes on below it."""
    rows = [
        {"name": _plural(k), "kind": k, "namespaced": k not in _CLUSTER_WIDE, "verbs": ["get", "list"]} for k in kinds
    ]
    return {} if rest else {"kind": "APIResourceList", "groupVersion": api_version, "resources": rows}


def _objects(objects: list[dict[str, Any]], namespace: str, rest: list[str]) -> dict[str, Any]:
    """Return the list of the objects, or the one that the path names."""
    matches = [o for o in objects if namespace in ("", o["metadata"].get("namespace"))]
    if len(rest) > 1:
        missing = {"kind": "Status", "code": 404, "message": "not found"}
        return next((o for o in matches if o["metadata"]["name"] == rest[1]), missing)
    return {"metadata": {"resourceVersion": "1"}, "items": matches}


def kubeconfig(box: Box, server: str, user: str = "{token: harmless}", name: str = "kubeconfig") -> Path:
    path = box.path / name
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        f'clusters: [{{name: c, cluster: {{server: "{server}"}}}}]\n'
        "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
        f"users: [{{name: u, user: {user}}}]\n"
    )
    return path

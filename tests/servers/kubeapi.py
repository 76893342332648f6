"""A Kubernetes API in a thread: it lists and gets objects of the Flux kinds, and can answer anything else instead."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from fluxdoctor.model.flux import KINDS
from tests.servers.serving import serving

Body = dict[str, Any]
#: A status and a body, or None for the usual answer. It is asked with the path and the Authorization header.
Odd = Callable[[str, str], tuple[int, Body] | None]
_CORE = {"Namespace": "namespaces", "Secret": "secrets", "ConfigMap": "configmaps", "Event": "events", "ServiceAccount": "serviceaccounts"}  # fmt: skip


@dataclass
class KubeApi:
    """A running server."""

    objects: Sequence[Body]
    odd: Odd
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def plurals(group_version: str) -> dict[str, str]:
    """Return the kinds of an API group and version, with their plurals."""
    if group_version == "v1":
        return _CORE
    group, _, _ = group_version.partition("/")
    versions = {body.name: body.plural for body in KINDS.values() if body.group == group}
    return versions if group_version in _groups() else {}


def _groups() -> list[str]:
    return sorted({f"{kind.group}/{'v2' if kind.group.startswith('helm') else 'v1'}" for kind in KINDS.values()})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: KubeApi

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        answer = self.state.odd(path, self.headers.get("Authorization", ""))
        status, body = answer or self._usual(path)
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _usual(self, path: str) -> tuple[int, Body]:
        if path == "/version":
            return 200, {"gitVersion": "v1.36.0"}
        if path == "/api":
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            rows = [
                {"name": g.partition("/")[0], "versions": [{"groupVersion": g, "version": g.partition("/")[2]}], "preferredVersion": {"groupVersion": g, "version": g.partition("/")[2]}}
                for g in _groups()
            ]  # fmt: skip
            return 200, {"kind": "APIGroupList", "groups": rows}
        parts = path.strip("/").split("/")
        size = 2 if parts[0] == "api" else 3
        group_version, rest = "/".join(parts[1:size]), parts[size:]
        kinds = plurals(group_version)
        if not rest:
            resources = [
                {"name": p, "kind": k, "namespaced": k != "Namespace", "verbs": ["get", "list"]}
                for k, p in kinds.items()
            ]
            return 200, {"kind": "APIResourceList", "groupVersion": group_version, "resources": resources}
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        kind = next((k for k, p in kinds.items() if p == rest[0]), "")
        items = [o for o in self.state.objects if o["kind"] == kind and o["apiVersion"] == group_version and namespace in ("", o["metadata"].get("namespace"))]  # fmt: skip
        if len(rest) > 1:
            found = next((o for o in items if o["metadata"]["name"] == rest[1]), None)
            return (200, found) if found else (404, {"kind": "Status", "code": 404, "message": "not found"})
        return 200, {
            "kind": f"{kind}List",
            "apiVersion": group_version,
            "metadata": {"resourceVersion": "1"},
            "items": items,
        }


@contextlib.contextmanager
def kube_api(objects: Sequence[Body], odd: Odd = lambda *_: None) -> Iterator[KubeApi]:
    """Serve objects for as long as the block lasts."""
    state = KubeApi(objects, odd)
    with serving(_Handler, state):
        yield state

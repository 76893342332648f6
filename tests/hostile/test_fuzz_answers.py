"""Damaged answers of an API server, of Helm repositories and of registries end in a report, a gap or a usage error, in time."""

from __future__ import annotations

import json
import random
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.hostile.fuzz.campaign import Run, campaign
from tests.hostile.fuzz.mutations import ODD, copied, damaged, damaged_text, written
from tests.servers.serving import serving

_COUNT, _AT_ONCE = 40, 4  # most of their time these runs wait
_KINDS = {
    ("", "v1"): ("Secret", "ConfigMap", "Namespace", "Event", "ServiceAccount", "Pod", "Service"),
    ("apps", "v1"): ("Deployment", "ReplicaSet"),
    ("source.toolkit.fluxcd.io", "v1"): ("GitRepository", "HelmRepository", "HelmChart", "OCIRepository", "Bucket"),
    ("kustomize.toolkit.fluxcd.io", "v1"): ("Kustomization",),
    ("helm.toolkit.fluxcd.io", "v2"): ("HelmRelease",),
    ("image.toolkit.fluxcd.io", "v1"): ("ImagePolicy", "ImageRepository"),
    ("apiextensions.k8s.io", "v1"): ("CustomResourceDefinition",),
}
_ZOT = "sha256:" + "0" * 64


def plural(kind: str) -> str:
    return f"{kind[:-1].lower()}ies" if kind.endswith("y") else f"{kind.lower()}s"


def thing(kind: str, spec: dict[str, Any], status: dict[str, Any] | None = None) -> dict[str, Any]:
    api = next(
        f"{group}/{version}" if group else version for (group, version), kinds in _KINDS.items() if kind in kinds
    )
    ready = {"type": "Ready", "status": "False", "reason": "Failed", "message": "could not", "lastTransitionTime": "2026-01-01T11:00:00Z", "observedGeneration": 1}  # fmt: skip
    return {
        "apiVersion": api, "kind": kind, "metadata": {"name": "web", "namespace": "apps", "generation": 1, "uid": "u",
        "labels": {"a": "b"}, "managedFields": [{"manager": "flux", "operation": "Apply", "time": "2026-01-01T11:00:00Z", "fieldsV1": {"f:spec": {}}}]},
        "spec": spec, "status": {"observedGeneration": 1, "conditions": [ready], **(status or {})},
    }  # fmt: skip


def objects(url: str) -> dict[str, dict[str, Any]]:
    """Return an object of each kind whose sources are at an address."""
    oci = url.replace("http://", "oci://")
    source = {"kind": "HelmRepository", "name": "web"}
    artifact = {
        "artifact": {
            "revision": f"1.0.0@{_ZOT}",
            "digest": _ZOT,
            "lastUpdateTime": "2026-01-01T11:00:00Z",
            "url": url,
            "path": "x",
        }
    }
    return {
        "HelmRepository": thing("HelmRepository", {"url": f"{url}/charts", "interval": "1m"}, artifact),
        "HelmChart": thing("HelmChart", {"chart": "web", "version": "1.x", "interval": "1m", "sourceRef": source}),
        "OCIRepository": thing("OCIRepository", {"url": f"{oci}/acme/web", "insecure": True, "interval": "1m", "ref": {"semver": ">=1.0.0"}, "verify": {"provider": "cosign"}}, artifact),
        "GitRepository": thing("GitRepository", {"url": "https://git.example.com/a.git", "interval": "1m", "ref": {"branch": "main"}, "suspend": True}),
        "Kustomization": thing("Kustomization", {"interval": "1m", "path": "./a", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "web"}, "dependsOn": []}, {"inventory": {"entries": [{"id": "apps_web_apps_Deployment", "v": "v1"}]}}),
        "HelmRelease": thing("HelmRelease", {"interval": "1m", "chart": {"spec": {"chart": "web", "version": "1.x", "sourceRef": source}}, "values": {"a": 1}}, {"history": [{"name": "web", "version": 1, "status": "failed", "chartVersion": "1.0.0"}]}),
        "ImageRepository": thing("ImageRepository", {"image": f"{url.removeprefix('http://')}/acme/web", "insecure": True, "interval": "1m"}),
        "ImagePolicy": thing("ImagePolicy", {"imageRepositoryRef": {"name": "web"}, "policy": {"semver": {"range": ">=1.0.0"}}}),
        "Event": {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "apps"}, "reason": "Failed", "message": "x", "type": "Warning", "count": 3, "involvedObject": {"kind": "HelmRelease", "namespace": "apps", "name": "web"}, "lastTimestamp": "2026-01-01T11:00:00Z"},
        "Namespace": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}, "status": {"phase": "Active"}},
        "Secret": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "apps"}, "type": "Opaque", "data": {"a": "Yg=="}},
        "Deployment": thing("Deployment", {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "m", "image": "ghcr.io/fluxcd/source-controller:v1.9.1", "args": ["--log-level=info"]}]}}}),
    }  # fmt: skip


@dataclass
class Answer:
    """The answer to one path, which a case damages."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    raw: bytes | None = None

    def content(self) -> bytes:
        return json.dumps(self.body).encode() if self.raw is None else self.raw


@dataclass
class World:
    """One server that is the API server, a Helm repository and a registry; ``answers``: path -> what it answers."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: World

    def do_GET(self) -> None:
        self.state.requests += 1
        path = self.path.partition("?")[0]
        if path.startswith("/v2/") and "Authorization" not in self.headers:
            path = "/v2/"  # the registry asks for a token
        answer = self.state.answers.get(path) or Answer({"kind": "Status", "code": 404, "message": "not found"}, 404)
        content = answer.content()
        try:
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(content))}.items():
                self._headers_buffer.append(f"{name}: {value}\r\n".encode("utf-8", "replace"))  # type: ignore[attr-defined]
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else content)
        except OSError:  # the client has gone, as it may
            self.close_connection = True

    do_HEAD = do_POST = do_GET  # noqa: N815 - the names of http.server

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


def sound(url: str, *, is_ready: bool = False) -> dict[str, Answer]:
    """Return what servers in order answer, about objects that are ready or not."""
    held = objects(url)
    for body in held.values():
        for row in body.get("status", {}).get("conditions", ()):
            row["status"] = str(is_ready)
    answers = {
        "/version": Answer({"gitVersion": "v1.36.0", "major": "1", "minor": "36"}),
        "/api": Answer({"kind": "APIVersions", "versions": ["v1"]}),
    }
    groups: list[Any] = []
    for (group, version), kinds in _KINDS.items():
        api = f"{group}/{version}" if group else version
        root = f"/apis/{api}" if group else "/api/v1"
        rows = [{"name": plural(k), "kind": k, "namespaced": k not in ("Namespace", "CustomResourceDefinition"), "verbs": ["get", "list"]} for k in kinds]  # fmt: skip
        answers[root] = Answer({"kind": "APIResourceList", "groupVersion": api, "resources": rows})
        if group:
            served = {"groupVersion": api, "version": version}
            groups.append({"name": group, "versions": [served], "preferredVersion": served})
        for kind in kinds:
            items = [held[kind]] if kind in held else []
            body = {"kind": f"{kind}List", "apiVersion": api, "metadata": {"resourceVersion": "1"}, "items": items}
            answers[f"{root}/{plural(kind)}"] = Answer(body)
    answers["/apis"] = Answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
    chart = {
        "name": "web",
        "version": "1.0.0",
        "urls": ["web-1.0.0.tgz"],
        "digest": "0" * 64,
        "created": "2026-01-01T00:00:00Z",
    }
    index = {
        "apiVersion": "v1",
        "entries": {"web": [chart, {**chart, "version": "0.9.0"}]},
        "generated": "2026-01-01T00:00:00Z",
    }
    answers["/charts/index.yaml"] = Answer(index)
    layer = {"mediaType": "application/vnd.cncf.flux.content.v1.tar+gzip", "digest": _ZOT, "size": 3}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": layer, "layers": [layer], "annotations": {"a": "b"}}  # fmt: skip
    challenge = f'Bearer realm="{url}/token",service="registry",scope="repository:acme/web:pull"'
    answers["/token"] = Answer({"token": "t", "expires_in": 300})
    answers["/v2/"] = Answer({}, 401, {"WWW-Authenticate": challenge})
    answers["/v2/acme/web/tags/list"] = Answer(
        {"name": "acme/web", "tags": ["1.0.0", "1.1.0", "latest", f"sha256-{'0' * 64}.sig"]}
    )
    for tag in ("1.0.0", "1.1.0", "latest", _ZOT):
        answers[f"/v2/acme/web/manifests/{tag}"] = Answer(
            manifest, 200, {"Content-Type": str(manifest["mediaType"]), "Docker-Content-Digest": _ZOT}
        )
    return answers


_HEADERS = (
    "WWW-Authenticate", "Content-Type", "Docker-Content-Digest", "Link", "Location", "Content-Encoding", "ETag", "Retry-After", "Date",
    "Transfer-Encoding", "Set-Cookie", "Last-Modified", "Warning", "Audit-Id",
)  # fmt: skip
_VALUES = (
    "Bearer", "Bearer realm=", 'Bearer realm="', 'Bearer realm="http://[::1",service=x', "Basic", "Negotiate", 'Bearer realm="file:///etc/passwd"',
    "Bearer " + "a=" * 3_000, 'Bearer realm="' + "\\" * 2_000, "Bearer " + 'a="b",' * 1_500, "<" * 3_000, "</v2/x>; rel=next", '<http://[>; rel="next"',
    '</v2/acme/web/tags/list?n=1>; rel="next"', "gzip", "br", "gzip, gzip", "text/html", "text/html; charset=nonsense", "application/json; x=" + "y" * 2_000,
    "http://127.0.0.1:1/", "//", "/" * 2_000, "-1", "9" * 400, "Wed, 99 Foo 2026", 'W/"', "sha256:zz", "sha512:" + "0" * 128, "", " ", "é\u202e", "0", "1e9",
)  # fmt: skip


def damage_objects(answers: dict[str, Answer], chance: random.Random) -> list[str]:
    """Damage every object of the cluster; return how."""
    notes = []
    for path, answer in answers.items():
        items = answer.body.get("items") if isinstance(answer.body, dict) else None
        if items:
            for _ in range(3):
                items[0], note = damaged(items[0], chance)
                notes.append(f"{path}: {note}")
            answer.raw = written(answer.body, chance)
    return notes


def damage(answers: dict[str, Answer], chance: random.Random) -> str:
    """Damage a few answers (the body, the text, a header or the status), and at times every object of the cluster."""
    notes = damage_objects(answers, chance) if chance.random() < 0.5 else []
    for _ in range(chance.choice((1, 2, 4))):
        full = [
            p
            for p, answer in answers.items()
            if not isinstance(answer.body, dict) or answer.body.get("items") or p[1] in "ctv"
        ]
        path = chance.choice(full if full and chance.random() < 0.7 else sorted(answers))
        answer, how = answers[path], chance.randrange(6)
        if how <= 2:  # several places of the body, the objects of a list first
            for _ in range(chance.choice((1, 5, 20))):
                answer.body, note = damaged(copied(answer.body), chance)
                notes.append(f"{path}: {note}")
            answer.raw = written(answer.body, chance)
        elif how == 3:
            answer.raw, note = damaged_text(answer.content(), chance)
            notes.append(f"{path}: {note}")
        elif how == 4:
            name = chance.choice(_HEADERS)
            value = chance.choice(_VALUES)
            answer.headers = {**answer.headers, name: value}
            answer.status = chance.choice((answer.status, answer.status, 401, 302, 429))
            notes.append(f"{path}: {name}: {value!r:.60}, {answer.status}")
        else:
            answer.status = chance.choice(
                (204, 206, 301, 304, 400, 401, 403, 404, 410, 418, 429, 500, 503, 599, 600, 999)
            )
            if chance.random() < 0.5:
                answer.body = {
                    "kind": "Status",
                    "message": chance.choice(ODD),
                    "reason": chance.choice(ODD),
                    "code": chance.choice(ODD),
                }
            notes.append(f"{path}: status {answer.status}")
    return "; ".join(notes)[:600]


_KUBECONFIG = """apiVersion: v1
kind: Config
current-context: c
clusters: [{{name: c, cluster: {{server: "{url}"}}}}]
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
users: [{{name: u, user: {{token: made-up}}}}]
"""


def test_damaged_answers(tmp_path: Path) -> None:
    with ExitStack() as servers:

        def case(chance: random.Random, folder: Path) -> Run:
            world = World()
            servers.enter_context(serving(_Handler, world))
            world.answers = sound(world.url, is_ready=chance.random() < 0.5)
            note = damage(world.answers, chance)
            (folder / "kubeconfig").write_text(_KUBECONFIG.format(url=world.url))
            return Run(("diagnose", "--kubeconfig", "kubeconfig", "--allow-local", "--timeout", "8s"), note)

        wrong = campaign("answers", _COUNT, case, tmp_path, at_once=_AT_ONCE)
    assert not wrong, wrong

"""A fleet whose every Secret holds canaries, the servers that want them, and the words that nobody may ever see."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.e2e.api import Body
from tests.servers.githttp import git_server
from tests.servers.github import GitHub, github
from tests.servers.helm_repo import helm_server
from tests.servers.proxy import http_proxy
from tests.servers.registry import registry
from tests.servers.repositories import filled
from tests.servers.s3 import s3_server
from tests.servers.sshd import private, ssh_server
from tests.servers.tls import Authority

SPACE = "flux-system"
_LONG = 40  # characters of a line of a key that is nobody else's
INDEX = b"apiVersion: v1\nentries: {}\n"


@dataclass
class Aviary:
    """``objects`` to load into a cluster, ``words`` that must not be seen, ``good``: the sources whose login is right."""

    objects: list[Body] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    good: list[str] = field(default_factory=list)

    def secret(self, name: str, entries: Mapping[str, str | bytes], kind: str = "Opaque") -> dict[str, str]:
        """Add a Secret; all that holds the word canary, and the lines of private keys, are canaries. Return a reference."""
        raw = {key: value.encode() if isinstance(value, str) else value for key, value in entries.items()}
        for value in raw.values():
            self.hide(value)
        data = {key: base64.b64encode(value).decode() for key, value in raw.items()}
        self.objects.append(
            {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": _named(name), "data": data}
        )
        return {"name": name}

    def hide(self, value: bytes) -> None:
        """Remember what must not be seen of a value."""
        text = value.decode("utf-8", "replace")
        if "PRIVATE KEY" in text:
            self.words |= {line for line in text.splitlines() if len(line) > _LONG and "-" not in line}
        elif "canary" in text:
            found = {part for part in text.replace('"', " ").replace("@", " ").split() if "canary" in part}
            self.words |= found | {base64.b64encode(word.encode()).decode().rstrip("=") for word in found}

    def source(self, kind: str, name: str, spec: Mapping[str, Any], *, good: bool = True) -> None:
        """Add a source that fails, in words that quote a login, so that it is asked and told of."""
        said = "failed: no user deploy:canary-password, https://x:canary-helm-password@host, canary-bearer, canary-passphrase"
        ready = {"type": "Ready", "status": "False", "reason": "Failed", "message": said,
                 "lastTransitionTime": "2026-01-01T00:00:00Z"}  # fmt: skip
        self.objects.append(
            {
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind, "metadata": _named(name),
                "spec": {"interval": "5m", **spec}, "status": {"conditions": [ready], "observedGeneration": 1},
            }
        )  # fmt: skip
        self.good += [name] if good else []


def _named(name: str) -> dict[str, str]:
    return {"name": name, "namespace": SPACE}


def _basic(login: str) -> str:
    return base64.b64encode(login.encode()).decode()


@contextmanager
def running(folder: Path) -> Iterator[Aviary]:
    """Start the servers and describe the fleet."""
    aviary = Aviary()
    with ExitStack() as servers:
        authority = Authority()
        _git(aviary, servers, folder, authority)
        _ssh(aviary, servers, folder)
        _charts(aviary, servers, authority)
        _others(aviary)
        _spoiled(aviary)
        yield aviary


def _git(aviary: Aviary, servers: ExitStack, folder: Path, authority: Authority) -> None:
    for name in ("basic", "bearer", "app", "mutual", "proxied"):
        filled(folder / "git" / f"{name}.git", {"apps/kustomization.yaml": "resources: []\n"})
    ca = {"ca.crt": authority.pem}
    server = servers.enter_context(git_server(folder / "git", authority.server()))
    mutual = servers.enter_context(git_server(folder / "git", authority.server(clients=True)))
    proxy = servers.enter_context(http_proxy("deploy:canary-proxy-password"))
    key = rsa.generate_private_key(65537, 2048)
    api = GitHub(key.public_key(), tokens={"42": "canary-github-token"})
    servers.enter_context(github(api, authority.server()))
    server.authorization["/basic"] = server.authorization["/proxied"] = f"Basic {_basic('deploy:canary-password')}"
    server.authorization["/bearer"] = "Bearer canary-bearer"
    server.authorization["/app"] = f"Basic {_basic('x-access-token:canary-github-token')}"
    aviary.words |= {_basic("deploy:canary-password"), _basic("x-access-token:canary-github-token")}
    aviary.words |= {_basic("deploy:canary-proxy-password"), "canary-github-token"}
    certificate, own = authority.client()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    logins: dict[str, dict[str, str | bytes]] = {
        "basic": {"username": "deploy", "password": "canary-password", **ca},
        "bearer": {"bearerToken": "canary-bearer", **ca},
        "app": {"githubAppID": "7", "githubAppInstallationID": "42", "githubAppBaseURL": api.url, **ca,
                "githubAppPrivateKey": pem},
        "mutual": {"tls.crt": certificate, "tls.key": own, **ca},
        "proxied": {"username": "deploy", "password": "canary-password", **ca},
    }  # fmt: skip
    to = {"address": proxy.address, "username": "deploy", "password": "canary-proxy-password"}
    more: dict[str, dict[str, Any]] = {
        "app": {"provider": "github"},
        "proxied": {"proxySecretRef": aviary.secret("proxy-login", to)},
    }
    for name, entries in logins.items():
        at = (mutual if name == "mutual" else server).url(f"/{name}.git")
        spec = {"url": at, "ref": {"branch": "main"}, "secretRef": aviary.secret(f"git-{name}", entries)}
        aviary.source("GitRepository", name, {**spec, **more.get(name, {})})


def _ssh(aviary: Aviary, servers: ExitStack, folder: Path) -> None:
    filled(folder / "ssh.git", {"apps/kustomization.yaml": "resources: []\n"})
    server = servers.enter_context(ssh_server(folder / "sshd"))
    aviary.hide(private(server.client_key))
    entries: dict[str, str | bytes] = {
        "identity": private(server.client_key, b"canary-passphrase"), "password": "canary-passphrase",
        "known_hosts": server.known_hosts,
    }  # fmt: skip
    spec = {"url": server.url(folder / "ssh.git"), "ref": {"branch": "main"}}
    aviary.source("GitRepository", "ssh", {**spec, "secretRef": aviary.secret("git-ssh", entries)})


def _charts(aviary: Aviary, servers: ExitStack, authority: Authority) -> None:
    certificate, key = authority.client()
    trust = aviary.secret("trust", {"ca.crt": authority.pem, "tls.crt": certificate, "tls.key": key})
    helm = servers.enter_context(helm_server({"/index.yaml": INDEX}, authority.server(clients=True)))
    helm.login = "deploy:canary-helm-password"
    aviary.words.add(_basic(helm.login))
    login = aviary.secret("helm", {"username": "deploy", "password": "canary-helm-password"})
    aviary.source("HelmRepository", "helm", {"url": helm.url(), "secretRef": login, "certSecretRef": trust})
    images = servers.enter_context(registry("deploy:canary-registry-password", authority))
    images.push("acme/web", "1.0.0")
    auth = _basic("deploy:canary-registry-password")
    aviary.words |= {auth, "canary-registry-password"}
    docker = json.dumps({"auths": {images.host: {"auth": auth}}})
    pull = aviary.secret("docker", {".dockerconfigjson": docker}, "kubernetes.io/dockerconfigjson")
    spec: dict[str, Any] = {"url": f"oci://{images.host}/acme/web", "ref": {"tag": "1.0.0"}, "certSecretRef": trust}
    aviary.source("OCIRepository", "oci", {**spec, "secretRef": pull})
    store = servers.enter_context(s3_server())
    aviary.words.add(store.secret_key)
    keys = aviary.secret("bucket", {"accesskey": store.access_key, "secretkey": store.secret_key})
    spec = {"endpoint": store.endpoint, "bucketName": store.bucket, "insecure": True, "secretRef": keys}
    aviary.source("Bucket", "bucket", spec)


def _others(aviary: Aviary) -> None:
    """Secrets that nobody logs in with from here: keys of SOPS, of other clusters, values, variables, webhooks."""
    kube = json.dumps(
        {"apiVersion": "v1", "kind": "Config", "users": [{"name": "x", "user": {"token": "canary-kube"}}]}
    )
    remote = {"secretRef": aviary.secret("remote", {"value": kube})}
    age = {"age.agekey": "AGE-SECRET-KEY-1-canary-age-key", "sops.asc": "canary-gpg-key"}
    sops = {"provider": "sops", "secretRef": aviary.secret("sops", age)}
    variables = aviary.secret("variables", {"password": "canary-variable"})
    values = aviary.secret("values", {"values.yaml": "password: canary-value\n"})
    hook = aviary.secret("hook", {"token": "canary-webhook", "address": "https://hooks.test/canary-address"})
    bad = {"conditions": [{"type": "Ready", "status": "False", "reason": "Failed", "message": "it fails: canary-variable canary-value",
                           "lastTransitionTime": "2026-01-01T00:00:00Z"}]}  # fmt: skip
    bodies: list[tuple[str, str, dict[str, Any]]] = [
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", {
            "interval": "5m", "path": "./apps", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "basic"},
            "decryption": sops, "kubeConfig": remote,
            "postBuild": {"substituteFrom": [{"kind": "Secret", **variables}]},
        }),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", {
            "interval": "5m", "kubeConfig": remote, "valuesFrom": [{"kind": "Secret", **values}],
            "chart": {"spec": {"chart": "web", "sourceRef": {"kind": "HelmRepository", "name": "helm"}}},
        }),
        ("notification.toolkit.fluxcd.io/v1beta3", "Provider", {"type": "generic", "secretRef": hook}),
        ("notification.toolkit.fluxcd.io/v1", "Receiver", {
            "type": "generic", "secretRef": hook, "resources": [{"kind": "GitRepository", "name": "basic"}],
        }),
    ]  # fmt: skip
    for version, kind, spec in bodies:
        status = {} if kind == "Provider" else {"status": bad}
        aviary.objects.append(
            {"apiVersion": version, "kind": kind, "metadata": _named("consumer"), "spec": spec, **status}
        )


def _spoiled(aviary: Aviary) -> None:
    """Secrets that no parser takes: what it says of them often quotes them."""
    spoilt = "canary-spoilt"
    sources: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
        ("GitRepository", {"url": "ssh://git@127.0.0.1:1/x.git"}, {"identity": f"-----{spoilt}", "known_hosts": spoilt}, "Opaque"),
        ("GitRepository", {"url": "https://127.0.0.1:1/x.git", "provider": "github"},
         {"githubAppID": spoilt, "githubAppInstallationID": spoilt, "githubAppPrivateKey": spoilt}, "Opaque"),
        ("GitRepository", {"url": "https://127.0.0.1:1/y.git"}, {"ca.crt": spoilt, "tls.crt": spoilt, "tls.key": spoilt}, "Opaque"),
        ("GitRepository", {"url": f"https://git:{spoilt}@127.0.0.1:1/y.git"}, {"username": f"a\n{spoilt}", "password": "\x00"}, "Opaque"),
        ("OCIRepository", {"url": "oci://127.0.0.1:1/x"}, {".dockerconfigjson": '{"auths": {"127.0.0.1:1": {"auth": "' + spoilt + '"}}}'},
         "kubernetes.io/dockerconfigjson"),
        ("HelmRepository", {"url": "https://127.0.0.1:1"}, {"username": spoilt, "password": f"{spoilt}\r\nX: y"}, "Opaque"),
        ("Bucket", {"endpoint": "127.0.0.1:1", "bucketName": "x"}, {"accesskey": f"{spoilt}\n", "secretkey": f"{spoilt}\n"}, "Opaque"),
    ]  # fmt: skip
    for number, (kind, spec, entries, type_) in enumerate(sources):
        name = f"spoilt-{number}"
        aviary.source(kind, name, {**spec, "secretRef": aviary.secret(name, entries, type_)}, good=False)

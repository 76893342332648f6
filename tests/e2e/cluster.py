"""A real Kubernetes API with Flux's kinds, on loopback, for as long as a block lasts.

    with cluster.running() as it:
        incident.load(it, Path("fixtures/incidents/git-bad-credentials"))
        subprocess.run(["fluxdoctor", "diagnose", "--kubeconfig", it.kubeconfig(users.ADMIN)])

etcd and kube-apiserver run as processes of their own in a temporary folder: RBAC, a private CA, tokens and client
certificates. No controller runs, no kubelet: what is written stays as it is.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import trustme
import urllib3

from tests.e2e import build, kinds, users
from tests.e2e.api import Api, ApiError
from tests.e2e.etcd import Entry, Etcd
from tests.e2e.process import free_port, started

_START_SECONDS = 120
Auth = Literal["token", "token-file", "certificate", "exec"]

# Written by the API server for itself; they are none of an incident's.
_ITS_OWN = (
    b"/registry/apiextensions.k8s.io/",
    b"/registry/apiregistration.k8s.io/",
    b"/registry/flowschemas/",
    b"/registry/leases/",
    b"/registry/masterleases/",
    b"/registry/peerserverleases/",
    b"/registry/prioritylevelconfigurations/",
    b"/registry/ranges/",
)


@dataclass(slots=True)
class Cluster:
    """A running API server: how to reach it as whom, and how to bring it back to how it began."""

    folder: Path
    server: str
    ca: trustme.CA
    ca_file: Path
    etcd: Etcd
    tokens: dict[str, str] = field(repr=False)
    admin: Api = field(repr=False)
    _mark: int = 0
    _began: dict[bytes, Entry] = field(default_factory=dict, repr=False)

    def api(self, user: str) -> Api:
        """Return a user's own raw client."""
        return self.admin if user == users.ADMIN else Api(self.server, self.ca_file, self.tokens[user])

    def kubeconfig(self, user: str, *, server: str = "", auth: Auth = "token") -> Path:
        """Write a kubeconfig for a user and return its path; ``server`` is for a proxy whose certificate is of the same CA.

        A user of any name may come with a certificate; only those of ``users`` have tokens.
        """
        path = self.folder / f"kubeconfig-{user}-{auth}-{secrets.token_hex(4)}"
        name = "e2e"
        body = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "clusters": [
                {"name": name, "cluster": {"server": server or self.server, "certificate-authority": str(self.ca_file)}}
            ],
            "users": [{"name": user, "user": self._credentials(user, auth)}],
        }
        path.touch(0o600)
        path.write_text(json.dumps(body, indent=1), "utf-8")
        return path

    def _credentials(self, user: str, auth: Auth) -> dict[str, Any]:
        if auth == "certificate":
            return self._certificate(user)
        if auth == "token":
            return {"token": self.tokens[user]}
        token = self.folder / f"token-{user}"
        token.touch(0o600)
        token.write_text(self.tokens[user], "utf-8")
        if auth == "token-file":
            return {"tokenFile": str(token)}
        code = (
            "import json, pathlib, sys; print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', "
            "'kind': 'ExecCredential', 'status': {'token': pathlib.Path(sys.argv[1]).read_text()}}))"
        )
        plugin = {"command": sys.executable, "args": ["-c", code, str(token)], "interactiveMode": "Never"}
        return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", **plugin}}

    def _certificate(self, user: str) -> dict[str, Any]:
        """Issue a certificate whose subject is the user (common name) and its group (organization)."""
        group = (users.GROUPS.get(user) or [user])[0]
        # The address says nothing; without one the extension for it is empty and critical, which Go refuses.
        leaf = self.ca.issue_cert(f"{user}.users.test", common_name=user, organization_name=group)
        certificate, key = self.folder / f"{user}.crt", self.folder / f"{user}.key"
        key.touch(0o600)
        key.write_bytes(leaf.private_key_pem.bytes())
        certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        return {"client-certificate": str(certificate), "client-key": str(key)}

    def account_token(self, namespace: str, name: str) -> str:
        """Return a token of a ServiceAccount, as a pod of it would find mounted. Raises ApiError."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        return str(self.admin.call("POST", path, asked)["status"]["token"])

    def mark(self) -> None:
        """Remember the state of now: ``reset`` comes back to it."""
        self.etcd.compact()
        self._mark = self.etcd.revision()
        self._began = {entry.key: entry for entry in self.etcd.entries()}

    def reset(self) -> None:
        """Take back everything that was written since ``mark``, but for CustomResourceDefinitions: those that were added stay."""
        now = self.etcd.entries(keys_only=True)
        there = {entry.key for entry in now}
        added = [e.key for e in now if e.key not in self._began and not e.key.startswith(_ITS_OWN)]
        changed = {e.key for e in now if e.changed > self._mark and e.key in self._began}
        gone = self._began.keys() - there
        back = {key: self._began[key].value for key in changed | gone if not key.startswith(_ITS_OWN)}
        self.etcd.write(back, added)

    def delete_crd(self, name: str) -> None:
        """Take a CustomResourceDefinition away, with its objects, and wait until it is served no more; ``kinds.install`` brings it back."""
        kinds.remove(self.admin, name)


@contextmanager
def running() -> Iterator[Cluster]:
    """Start etcd and kube-apiserver with the Flux kinds and the users; stop them when the block ends, however it ends.

    Raises build.BuildError where a part cannot be had, process.ProcessError where one does not come up.
    """
    etcd_path, server_path, crds = build.etcd(), build.command("kube-apiserver"), build.crds()
    folder = Path(tempfile.mkdtemp(prefix="fluxdoctor-e2e-"))
    try:
        with _etcd(etcd_path, folder) as etcd, _api_server(server_path, folder, etcd) as cluster:
            kinds.install(cluster.admin, crds)
            for body in users.rules():
                served = cluster.admin.served(body["apiVersion"], body["kind"])
                assert served is not None, body["kind"]
                cluster.admin.call("POST", served.path(body["metadata"].get("namespace", "")), body)
            cluster.mark()
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _etcd(path: Path, folder: Path) -> Iterator[Etcd]:
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    etcd = Etcd(client, urllib3.PoolManager(retries=False))
    argv: list[str | Path] = [
        path,
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",  # nothing here must survive a crash
        "--max-txn-ops=5000",
        "--max-request-bytes=67108864",
        "--quota-backend-bytes=4294967296",
        "--logger=zap",
        "--log-level=warn",
    ]
    with started(argv, folder / "etcd.log", etcd.healthy, seconds=_START_SECONDS):
        yield etcd


@contextmanager
def _api_server(path: Path, folder: Path, etcd: Etcd) -> Iterator[Cluster]:
    ca = trustme.CA()
    leaf, signer = ca.issue_cert("127.0.0.1", "localhost"), ca.issue_cert("service-accounts.test")
    files = {name: folder / name for name in ("ca.crt", "server.crt", "server.key", "accounts.key", "tokens.csv")}
    for file in files.values():
        file.touch(0o600)
    ca.cert_pem.write_to_path(str(files["ca.crt"]))
    files["server.crt"].write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(str(files["server.key"]))
    signer.private_key_pem.write_to_path(str(files["accounts.key"]))
    tokens = {user: secrets.token_urlsafe(24) for user in users.USERS}
    rows = (",".join([tokens[user], user, user, *groups]) + "\n" for user, groups in users.GROUPS.items())
    files["tokens.csv"].write_text("".join(rows), "utf-8")
    port = free_port()
    server = f"https://127.0.0.1:{port}"
    admin = Api(server, files["ca.crt"], tokens[users.ADMIN])
    argv: list[str | Path] = [
        path,
        f"--etcd-servers={etcd.url}",
        "--storage-media-type=application/json",  # so that Cluster.reset and incident.load can read and mend what is stored
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--secure-port={port}",
        f"--tls-cert-file={files['server.crt']}",
        f"--tls-private-key-file={files['server.key']}",
        f"--client-ca-file={files['ca.crt']}",
        f"--token-auth-file={files['tokens.csv']}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={files['accounts.key']}",
        f"--service-account-signing-key-file={files['accounts.key']}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--disable-admission-plugins=ServiceAccount",  # no controller makes the accounts of new namespaces
        "--event-ttl=24h",
        "--profiling=false",
        "--v=1",
    ]
    with started(argv, folder / "kube-apiserver.log", lambda: _ready(admin), seconds=_START_SECONDS):
        yield Cluster(folder, server, ca, files["ca.crt"], etcd, tokens, admin)


def _ready(admin: Api) -> bool:
    try:
        return admin.request("GET", "/readyz").status == 200
    except (urllib3.exceptions.HTTPError, ApiError):
        return False

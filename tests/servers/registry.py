"""A real OCI registry (Debian's docker-registry), and the few requests that push an artifact to it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.servers import apt
from tests.servers.serving import free_port, wait
from tests.servers.tls import Authority

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
FLUX_CONFIG = "application/vnd.cncf.flux.config.v1+json"
FLUX_LAYER = "application/vnd.cncf.flux.content.v1.tar+gzip"
HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@dataclass(frozen=True)
class Registry:
    """A running registry. ``login``: ``user:password`` that is wanted, or ""."""

    port: int
    login: str = ""
    authority: Authority | None = None
    tokens: Tokens | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def push(
        self,
        name: str,
        tag: str,
        layer: bytes = b"layer",
        *,
        config_type: str = FLUX_CONFIG,
        layer_type: str = FLUX_LAYER,
        annotations: Mapping[str, str] | None = None,
        subject: Mapping[str, object] | None = None,
        artifact_type: str = "",
    ) -> str:
        """Push an artifact of one layer under a tag, and return its digest."""
        config = self._blob(name, b"{}")
        manifest: dict[str, object] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": config_type, **config},
            "layers": [{"mediaType": layer_type, **self._blob(name, layer)}],
        }
        manifest |= {"annotations": dict(annotations)} if annotations else {}
        manifest |= {"subject": dict(subject)} if subject else {}
        manifest |= {"artifactType": artifact_type} if artifact_type else {}
        body = json.dumps(manifest).encode()
        self._send("PUT", f"/v2/{name}/manifests/{tag}", body, MANIFEST)
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    def index(self, name: str, tag: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Push an image index under a tag."""
        kind = "application/vnd.oci.image.index.v1+json"
        body = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": list(rows)}).encode()
        self._send("PUT", f"/v2/{name}/manifests/{tag}", body, kind)

    def _blob(self, name: str, content: bytes) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        place = self._send("POST", f"/v2/{name}/blobs/uploads/", b"")
        self._send("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", content)
        return {"digest": digest, "size": len(content)}

    def _send(self, method: str, target: str, body: bytes, kind: str = "application/octet-stream") -> str:
        scheme = "https" if self.authority else "http"
        url = target if "://" in target else f"{scheme}://{self.host}{target}"
        request = Request(url, body, {"Content-Type": kind}, method=method)  # noqa: S310 - loopback
        name = url.partition("/v2/")[2].partition("/blobs/")[0].partition("/manifests/")[0]
        if self.tokens:
            request.add_header("Authorization", f"Bearer {self.tokens.make(name)}")
        elif self.login:
            request.add_header("Authorization", "Basic " + base64.b64encode(self.login.encode()).decode())
        context = ssl.create_default_context(cadata=self.authority.pem.decode()) if self.authority else None
        with urlopen(request, timeout=10, context=context) as answer:  # noqa: S310 - loopback
            return str(answer.headers.get("Location") or "")


@dataclass(frozen=True)
class Tokens:
    """Who makes the tokens of a registry: ``realm`` is the URL where they are made."""

    realm: str
    authority: Authority

    def make(self, name: str) -> str:
        """Make a token to pull from a repository and push to it (distribution 2.8: a JWT with the chain of its signer)."""
        leaf = self.authority.ca.issue_cert("tokens.test")
        key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        chain = [x509.load_pem_x509_certificate(pem.bytes()) for pem in leaf.cert_chain_pems]
        x5c = [base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode() for one in chain]
        now = int(time.time())
        access = [{"type": "repository", "name": name, "actions": ["pull", "push"]}]
        claims = {
            "iss": "tests",
            "aud": "tests",
            "sub": "",
            "exp": now + 300,
            "nbf": now - 60,
            "iat": now,
            "jti": "1",
            "access": access,
        }
        text = f"{_part({'typ': 'JWT', 'alg': 'ES256', 'x5c': x5c})}.{_part(claims)}"
        r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_base64(r.to_bytes(32) + s.to_bytes(32))}"


def _part(body: Mapping[str, object]) -> str:
    return _base64(json.dumps(body).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@contextlib.contextmanager
def registry(login: str = "", authority: Authority | None = None, tokens: Tokens | None = None) -> Iterator[Registry]:
    """Run a registry on a free port of loopback. Raises RuntimeError where there is none and none can be installed."""
    program = apt.program("docker-registry", "docker-registry")
    if program is None:
        raise RuntimeError("no docker-registry: apt-get install docker-registry")
    with tempfile.TemporaryDirectory(prefix="registry-") as folder:
        port = free_port()
        config = Path(folder) / "config.json"
        config.write_text(json.dumps(_config(Path(folder), port, login, authority, tokens)))
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, "serve", str(config)], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            wait(port, process, log, "docker-registry")
            yield Registry(port, login, authority, tokens)
        finally:
            process.terminate()
            process.wait(10)


def _config(
    folder: Path, port: int, login: str, authority: Authority | None, tokens: Tokens | None
) -> dict[str, object]:
    """JSON is YAML too."""
    http: dict[str, object] = {"addr": f"127.0.0.1:{port}", "secret": "of the tests"}
    body: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "warn"},
        "http": http,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
    }
    if authority:
        made = authority.ca.issue_cert("127.0.0.1")
        (folder / "tls.crt").write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        (folder / "tls.key").write_bytes(made.private_key_pem.bytes())
        http["tls"] = {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")}
    if login:
        body["auth"] = {"htpasswd": {"realm": "tests", "path": str(_htpasswd(folder, login))}}
    if tokens:
        (folder / "root.pem").write_bytes(tokens.authority.pem)
        bundle = str(folder / "root.pem")
        body["auth"] = {
            "token": {"realm": tokens.realm, "service": "tests", "issuer": "tests", "rootcertbundle": bundle}
        }
    return body


def _htpasswd(folder: Path, login: str) -> Path:
    """The registry takes bcrypt only, which Debian's apache2-utils makes; the password goes in through a pipe."""
    program = apt.program("htpasswd", "apache2-utils")
    if program is None:
        raise RuntimeError("no htpasswd: apt-get install apache2-utils")
    user, _, password = login.partition(":")
    made = subprocess.run(
        [program, "-niBC", "4", user], input=password.encode(), capture_output=True, check=True, timeout=30
    )
    path = folder / "htpasswd"
    path.write_bytes(made.stdout)
    return path

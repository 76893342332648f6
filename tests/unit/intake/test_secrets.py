"""What a Secret is told to be, value by value, and that no value is ever part of it."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from fluxdoctor.intake.redact import Redactor
from fluxdoctor.intake.secret_values import values
from fluxdoctor.intake.secrets import facts

# The identity of the age specification, and its recipient.
AGE_IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
AGE_RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
# The host keys GitHub publishes.
GITHUB_ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
GITHUB_ECDSA = (
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT"
    "/y6v0mKV0U2w0WZ2YB/++Tpockg="
)
GITHUB_PRINTS = [
    "ecdsa-sha2-nistp256 SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM",
    "ssh-ed25519 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
]


def b64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def told(value: str | bytes, **secret: Any) -> Any:
    """Return what facts tell of one value, but for its size, which is checked here."""
    size = len(value if isinstance(value, bytes) else value.encode())
    found = facts({"kind": "Secret", "data": {"it": b64(value)}, **secret})
    assert list(found) == (["kind", "type", "metadata", "keys"] if "type" in secret else ["kind", "metadata", "keys"])
    fact = found["keys"]["it"]  # type: ignore[index]
    assert fact.pop("size") == size
    return fact


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes = b"") -> str:
    sealed = BestAvailableEncryption(password) if password else NoEncryption()
    return str(key.private_bytes(Encoding.PEM, form, sealed).decode())


EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)


def certificate(
    until: datetime, names: tuple[str, ...] = (), addresses: tuple[str, ...] = (), issuer: str = "me"
) -> str:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "me")]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(EC.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(until)
    )
    if names or addresses:
        alt = [*map(x509.DNSName, names), *(x509.IPAddress(ip_address(a)) for a in addresses)]
        builder = builder.add_extension(x509.SubjectAlternativeName(alt), critical=False)
    return builder.sign(EC, SHA256()).public_bytes(Encoding.PEM).decode()


# --- the object


def test_facts_of_a_whole_secret() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": {
            "name": "git-auth",
            "namespace": "flux-system",
            "uid": "5e6b",
            "resourceVersion": "42",
            "generation": 2,
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "deletionTimestamp": None,
            "finalizers": ["finalizers.fluxcd.io", 7],
            "labels": {"app": "podinfo", "bad": 1},
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": '{"data":{}}',
                "kustomize.toolkit.fluxcd.io/prune": "disabled",
                "long": "x" * 257,
                "number": 7,
                "quotes": "was hunter2hunter2 before",
                "short": "p4w",
                "token": "ghp_0123456789abcdef",
            },
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u", "controller": True, "x": "y"},
                "junk",
            ],
            "managedFields": [{"manager": "kubectl"}],
        },
        "data": {"password": b64("hunter2hunter2"), "pin": b64("p4w"), "none": None, "broken": "%%", "number": 7},
        "stringData": {"username": "flux", "pin": "p4ws"},
    }
    assert facts(secret) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": "git-auth",
            "namespace": "flux-system",
            "uid": "5e6b",
            "resourceVersion": "42",
            "generation": 2,
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "finalizers": ["finalizers.fluxcd.io"],
            "labels": {"app": "podinfo"},
            # "short" stays: what stringData replaces is no value of the Secret.
            "annotations": {"kustomize.toolkit.fluxcd.io/prune": "disabled", "short": "p4w"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u", "controller": True}],
        },
        "keys": {
            "password": {"size": 14, "format": "text"},
            "none": {"size": 0, "format": "empty"},
            "broken": {"size": 2, "format": "invalid base64"},
            "number": {"size": 0, "format": "invalid base64"},
            "username": {"size": 4, "format": "text"},
            "pin": {"size": 4, "format": "text"},
        },
    }
    assert facts(facts(secret)) == facts(secret)


def test_facts_leave_the_secret_alone() -> None:
    secret = {
        "metadata": {"annotations": {"a": "secret-value"}, "labels": {"b": "c"}},
        "data": {"k": b64("secret-value")},
    }
    before = json.dumps(secret)
    assert facts(secret) == {"metadata": {"labels": {"b": "c"}}, "keys": {"k": {"size": 12, "format": "text"}}}
    assert json.dumps(secret) == before


@pytest.mark.parametrize(
    ("value", "annotation", "stays"),
    [
        pytest.param("hunter2", "hunter2", False, id="is a value"),
        pytest.param("no", "no", False, id="is a short value"),
        pytest.param("no", "nothing", True, id="holds a short value by chance"),
        pytest.param("hunter2", f"in base64 {b64('hunter2')}", False, id="holds a value in base64"),
        pytest.param("hunter2\n", "it is hunter2.", False, id="holds a value but for its line break"),
        pytest.param('{"password": "hunter2"}', "it is hunter2.", False, id="holds a field of a value"),
        pytest.param("dsn=abc+correct-horse-staple", "correct-horse-staple", False, id="is a long part of a value"),
        pytest.param("enabled: true", "enabled", True, id="is a short part of a value"),
        pytest.param("hunter2", "https://me:other@host", False, id="holds another secret"),
        pytest.param("podinfo", "podinfo", True, id="is what a label says"),
        pytest.param("flux-system-git", "flux-system-git", True, id="is the name"),
        pytest.param("x", "y" * 256, True, id="is just short enough"),
    ],
)  # fmt: skip
def test_annotation(value: str, annotation: str, stays: bool) -> None:
    metadata = {"name": "flux-system-git", "labels": {"app": "podinfo"}}
    found = facts({"metadata": {**metadata, "annotations": {"a": annotation}}, "data": {"k": b64(value)}})
    assert found["metadata"] == ({**metadata, "annotations": {"a": annotation}} if stays else metadata)


SAVED: dict[str, dict[str, Any]] = {
    "text": {"size": 3, "format": "text"},
    "key": {"size": 3, "format": "PEM private key", "key_type": "rsa", "encrypted": False},
    "ssh": {"size": 3, "format": "OpenSSH private key", "key_type": "ed25519", "encrypted": True},
    "cert": {
        "size": 3, "format": "PEM certificate", "expires": "2027-01-02T03:04:05Z", "names": ["*.a.example", "::1"],
        "issuer_is_subject": True, "count": 2,
    },
    "hosts": {
        "size": 3, "format": "known_hosts", "hosts": ["!b", "192.168.0.?", "::1", "[git.example.com]:2222"],
        "hashed": 1, "fingerprints": GITHUB_PRINTS,
    },
    "docker": {"size": 3, "format": "docker config", "registries": ["ghcr.io", "r:5000"], "with_credentials": []},
    "kube": {"size": 3, "format": "kubeconfig", "servers": ["[::1]:6443"], "exec": "aws", "has_credentials": False},
    "age": {"size": 3, "format": "age identity", "recipients": [AGE_RECIPIENT]},
}  # fmt: skip


def test_a_saved_secret_passes_through() -> None:
    saved = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "keys": SAVED, "type": "Opaque"}
    assert facts(saved) == saved
    assert facts({**saved, "data": {}, "stringData": None}) == saved
    assert facts({**saved, "data": {"it": b64("x")}})["keys"] == {"it": {"size": 1, "format": "text"}}
    assert values(saved) == frozenset()


def test_what_a_saved_secret_should_not_have_is_dropped() -> None:
    assert facts(
        {
            "spec": {"password": "s3cret"},
            "keys": {
                1: {"size": 1, "format": "text"},
                "no fact": "s3cret",
                "no size": {"format": "text"},
                "negative": {"size": -1, "format": "text"},
                "size as flag": {"size": True, "format": "text"},
                "unknown format": {"size": 1, "format": "s3cret"},
                "more": {"size": 1, "format": "text", "value": "s3cret", "names": ["host"]},
                "not its types": {
                    "size": 1,
                    "format": "PEM certificate",
                    "expires": "s3cret",
                    "names": ["s3cret s3cret", 7, "ok"],
                    "issuer_is_subject": "yes",
                    "count": 1.5,
                },
                "no list": {
                    "size": 1,
                    "format": "known_hosts",
                    "hosts": "host",
                    "hashed": 0,
                    "fingerprints": ["s3cret"],
                },
            },
        }
    ) == {
        "metadata": {},
        "keys": {
            "more": {"size": 1, "format": "text"},
            "not its types": {"size": 1, "format": "PEM certificate", "names": ["ok"]},
            "no list": {"size": 1, "format": "known_hosts", "hashed": 0, "fingerprints": []},
        },
    }


# --- formats


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("", "empty"),
        ("hunter2", "text"),
        ("grüße\tund mehr", "text"),
        ("hunter2\n", "multi-line text"),  # the line break that echo adds is a fact worth telling
        ("hunter2\r", "multi-line text"),
        ("a\nb", "multi-line text"),
        (b"\xff\xfe", "binary"),
        ("a\0b", "binary"),
        ("ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]", "sops ciphertext"),
        ("password: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]\n", "sops ciphertext"),
        ('{"a": 1}', "JSON"),
        (" [1]\n", "JSON"),
        ('"a"', "text"),
        ("12", "text"),
        ("{broken", "text"),
        ("[" * 100_000, "text"),
        ("a: 1\nb: 2\n", "multi-line text"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----\n", "PGP private key"),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nlQ==\n-----END PGP PUBLIC KEY BLOCK-----\n", "PGP public key"),
        ("-----BEGIN PGP MESSAGE-----\n\nlQ==\n-----END PGP MESSAGE-----\n", "multi-line text"),
        (f"ssh-ed25519 {GITHUB_ED25519} me@host", "text"),
        ("github.com ssh-ed25519 AAAAbroken", "text"),
        (f'command="x" ssh-ed25519 {GITHUB_ED25519}', "text"),
    ],
)
def test_formats_without_more_to_tell(value: str | bytes, wanted: str) -> None:
    assert told(value) == {"format": wanted}


def test_public_keys() -> None:
    public = EC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pkcs1 = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert [told(public), told(pkcs1)] == [{"format": "PEM public key"}] * 2


def test_a_value_that_sops_encrypted_in_place_of_base64() -> None:
    text = f"ENC[AES256_GCM,data:YQ==,iv:{b64('i' * 32)},tag:{b64('t' * 16)},type:str]"
    secret = {"data": {"a": text}, "stringData": {"b": text}}
    fact = {"size": len(text), "format": "sops ciphertext"}
    assert facts(secret) == {"metadata": {}, "keys": {"a": fact, "b": fact}}
    assert values(secret) == frozenset()


def test_base64_may_be_wrapped_but_not_wrong() -> None:
    data = {"wrapped": "aHVu\r\ndGVy\n", "spaced": "aHVu dGVy", "short": "aHVudGV", "long": "aHVudGVy=", "é": "é"}
    assert facts({"data": data}) == {
        "metadata": {},
        "keys": {
            "wrapped": {"size": 6, "format": "text"},
            "spaced": {"size": 9, "format": "invalid base64"},
            "short": {"size": 7, "format": "invalid base64"},
            "long": {"size": 9, "format": "invalid base64"},
            "é": {"size": 1, "format": "invalid base64"},
        },
    }


def test_a_release_record() -> None:
    secret = {"type": "helm.sh/release.v1", "data": {"release": b64(b64("{}")), "empty": ""}}
    assert facts(secret) == {
        "type": "helm.sh/release.v1",
        "metadata": {},
        "keys": {"release": {"size": 4, "format": "release record"}, "empty": {"size": 0, "format": "empty"}},
    }
    assert values(secret) == frozenset()


@pytest.mark.parametrize(
    ("value", "key_type", "encrypted"),
    [
        pytest.param(pem(RSA), "rsa", False, id="rsa"),
        pytest.param(pem(RSA, PrivateFormat.TraditionalOpenSSL), "rsa", False, id="rsa, PKCS #1"),
        pytest.param(pem(RSA, PrivateFormat.TraditionalOpenSSL, b"p"), "rsa", True, id="rsa, PKCS #1, encrypted"),
        pytest.param(pem(EC), "ecdsa", False, id="ecdsa"),
        pytest.param(pem(EC, PrivateFormat.TraditionalOpenSSL, b"p"), "ecdsa", True, id="ecdsa, SEC 1, encrypted"),
        pytest.param(pem(ED), "ed25519", False, id="ed25519"),
        pytest.param(pem(ED, password=b"p"), "unknown", True, id="PKCS #8, encrypted"),
        pytest.param(pem(ed448.Ed448PrivateKey.generate()), "ed448", False, id="ed448"),
        pytest.param(pem(x25519.X25519PrivateKey.generate()), "x25519", False, id="x25519"),
        pytest.param(pem(dsa.generate_private_key(2048)), "dsa", False, id="dsa"),
        pytest.param("Bag Attributes\n" + certificate(datetime(2030, 1, 1, tzinfo=UTC)) + pem(EC), "ecdsa", False, id="bundle"),
        pytest.param(pem(EC).replace("\n", "\r\n"), "ecdsa", False, id="line breaks of Windows"),
        pytest.param(pem(EC)[:-30], "unknown", False, id="the end is missing"),
        pytest.param("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", "unknown", False, id="junk"),
        pytest.param("-----BEGIN PRIVATE KEY", "unknown", False, id="cut in the label"),
    ],
)  # fmt: skip
def test_private_keys(value: str, key_type: str, encrypted: bool) -> None:
    assert told(value) == {"format": "PEM private key", "key_type": key_type, "encrypted": encrypted}


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen")
@pytest.mark.parametrize("password", ["", "correct horse"])
@pytest.mark.parametrize("key_type", ["rsa", "ecdsa", "ed25519"])
def test_openssh_keys(key_type: str, password: str, tmp_path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", key_type, "-N", password, "-C", "me@host", "-f", str(tmp_path / "key")]
    subprocess.run(command, check=True)  # noqa: S603 - a fixed command
    wanted = {"format": "OpenSSH private key", "key_type": key_type, "encrypted": bool(password)}
    assert told((tmp_path / "key").read_text()) == wanted


def test_broken_openssh_keys() -> None:
    whole = pem(ED, PrivateFormat.OpenSSH)
    middle = whole.splitlines()[1]
    for broken in (
        whole[:-40],
        whole.replace(middle, middle[:20]),
        whole.replace(middle, "ZmFrZQ=="),
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    ):
        assert told(broken) == {"format": "OpenSSH private key", "key_type": "unknown", "encrypted": False}


def test_certificates() -> None:
    leaf = certificate(
        datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC), ("b.example", "*.a.example"), ("::1", "10.0.0.1"), "ca"
    )
    root = certificate(datetime(2030, 1, 1, tzinfo=UTC))
    assert told(leaf + root) == {
        "format": "PEM certificate",
        "expires": "2030-01-01T00:00:00Z",
        "names": ["*.a.example", "10.0.0.1", "::1", "b.example"],
        "issuer_is_subject": False,
        "count": 2,
    }
    assert told("# our CA\n" + root + "-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n") == {
        "format": "PEM certificate",
        "expires": "2030-01-01T00:00:00Z",
        "names": [],
        "issuer_is_subject": True,
        "count": 1,
    }
    assert told("-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n") == {
        "format": "PEM certificate",
        "expires": "",
        "names": [],
        "issuer_is_subject": False,
        "count": 0,
    }


def test_known_hosts() -> None:
    text = f"""# github.com:22 SSH-2.0-babeld
github.com,140.82.121.4 ssh-ed25519 {GITHUB_ED25519} a comment
[git.example.com]:2222 ecdsa-sha2-nistp256 {GITHUB_ECDSA}
@cert-authority *.example.com ssh-ed25519 {GITHUB_ED25519}
@revoked old.example.com ssh-ed25519 {GITHUB_ED25519}
|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 {GITHUB_ED25519}
broken.example.com ssh-ed25519 {GITHUB_ED25519[4:]}
"""
    assert told(text) == {
        "format": "known_hosts",
        "hosts": ["*.example.com", "140.82.121.4", "[git.example.com]:2222", "github.com"],
        "hashed": 1,
        "fingerprints": GITHUB_PRINTS,
    }


DOCKER = {
    "auths": {
        "https://index.docker.io/v1/": {"auth": b64("flux:hunter2hunter2"), "email": "me@example.com"},
        "registry.example.com:5000/team": {"username": "flux", "password": "correct-horse"},
        "ghcr.io": {"username": "flux", "password": ""},
        "https://me:hunter3hunter3@quay.io": {"auth": ""},
        "odd.example.com": None,
        "pass/word@host": {"auth": "x"},
    },
    "credHelpers": {},
}


def test_docker_config() -> None:
    text = json.dumps(DOCKER)
    wanted = {
        "format": "docker config",
        "registries": ["ghcr.io", "index.docker.io", "odd.example.com", "quay.io", "registry.example.com:5000"],
        "with_credentials": ["index.docker.io", "registry.example.com:5000"],
    }
    assert told(text, type="kubernetes.io/dockerconfigjson") == wanted
    assert told('{"auths": {}}') == {"format": "docker config", "registries": [], "with_credentials": []}
    login = {"auth": b64("flux:hunter2hunter2")}
    assert told(json.dumps({"ghcr.io": login}), type="kubernetes.io/dockercfg") == {
        "format": "docker config",
        "registries": ["ghcr.io"],
        "with_credentials": ["ghcr.io"],
    }
    secret = {"data": {".dockerconfigjson": b64(text)}}
    inner = {b64("flux:hunter2hunter2"), "flux:hunter2hunter2", "hunter2hunter2", "correct-horse"}
    inner |= {"flux:correct-horse", "hunter3hunter3", "me:hunter3hunter3"}
    assert values(secret) == inner | {text}


KUBECONFIG = """apiVersion: v1
kind: Config
current-context: prod
clusters:
- name: prod
  cluster:
    server: "https://me:hunter3hunter3@prod.example.com:6443/x" # the API
    certificate-authority-data: LS0tLS1CRUdJTg==
- cluster: {}
  name: other
- name: local
  cluster:
    server: http://[::1]
users:
- name: admin-user
  user:
    token: eyJhbGciOi
- name: aws
  user:
    exec:
      command: /usr/local/bin/aws-iam-authenticator
      args: [token, -i, secret-cluster]
"""


def test_kubeconfig() -> None:
    wanted = {
        "format": "kubeconfig",
        "servers": ["[::1]:80", "prod.example.com:6443"],
        "exec": "aws-iam-authenticator",
        "has_credentials": True,
    }
    assert told(KUBECONFIG) == wanted
    bare: dict[str, Any] = {
        "clusters": [{"cluster": {"server": "https://k.example.com"}}],
        "users": [{"user": {"token": ""}}],
    }
    assert told(json.dumps(bare)) == {
        "format": "kubeconfig",
        "servers": ["k.example.com:443"],
        "exec": "",
        "has_credentials": False,
    }
    assert values({"data": {"value": b64(KUBECONFIG)}}) == {
        KUBECONFIG,
        KUBECONFIG.strip(),
        "current-context: prod",
        'server: "https://me:hunter3hunter3@prod.example.com:6443/x" # the API',
        "certificate-authority-data: LS0tLS1CRUdJTg==",
        "server: http://[::1]",
        "- name: admin-user",
        "token: eyJhbGciOi",
        "eyJhbGciOi",
        "command: /usr/local/bin/aws-iam-authenticator",
        "args: [token, -i, secret-cluster]",
        "hunter3hunter3",
        "me:hunter3hunter3",
    }


@pytest.mark.parametrize(
    ("value", "recipients"),
    [
        pytest.param(AGE_IDENTITY, [AGE_RECIPIENT], id="bare"),
        pytest.param(f"# created: x\n# public key: age1junk\n{AGE_IDENTITY}\n", [AGE_RECIPIENT], id="with comments"),
        pytest.param(f"{AGE_IDENTITY}\n{AGE_IDENTITY}\n", [AGE_RECIPIENT], id="twice"),
        pytest.param(AGE_IDENTITY[:-1] + "Y", [], id="wrong checksum"),
        pytest.param("AGE-SECRET-KEY-1FAKE\n", [], id="short"),
        pytest.param("AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR", [], id="hybrid"),
    ],
)
def test_age_identities(value: str, recipients: list[str]) -> None:
    assert told(value) == {"format": "age identity", "recipients": recipients}


# --- values


@pytest.mark.parametrize(
    ("secret", "wanted"),
    [
        pytest.param({"data": {"a": b64("hunter2hunter2"), "b": b64("hunter2"), "c": b64(" " * 9)}}, {"hunter2hunter2"}, id="of 8 characters"),
        pytest.param({"data": {"a": b64("12345678")}}, {"12345678"}, id="of just 8"),
        pytest.param({"data": {"a": b64("hunter2hunter2\n")}}, {"hunter2hunter2\n", "hunter2hunter2"}, id="line break"),
        pytest.param({"data": {"a": b64("old-password")}, "stringData": {"a": "new-password"}}, {"new-password"}, id="stringData wins"),
        pytest.param({"data": {"a": "hunter2-plain"}}, {"hunter2-plain"}, id="no base64: as it was written"),
        pytest.param({"data": {"a": b64(b"\xff" * 9)}}, {b64(b"\xff" * 9)}, id="binary: as it was written"),
        pytest.param({"stringData": {"a": 123456789, "b": True, "c": {"d": ["hunter2-deep"]}}}, {"123456789", "hunter2-deep"}, id="wrong types"),
        pytest.param({"data": "hunter2-plain", "stringData": ["hunter3-plain"]}, {"hunter2-plain", "hunter3-plain"}, id="no mapping"),
        pytest.param({"metadata": {"name": "podinfo-db", "namespace": "flux-system", "labels": {"app": "podinfo-web"}}, "stringData": {"a": "podinfo-db", "b": "flux-system", "c": "podinfo-web", "d": "podinfo-key"}}, {"podinfo-key"}, id="not what the metadata says"),
        pytest.param(
            {"stringData": {"a": "db:\n  password: 'hunter2 # 3'\n  existingSecret: other-secret\nshort: line\n"}},
            {"db:\n  password: 'hunter2 # 3'\n  existingSecret: other-secret\nshort: line\n", "db:\n  password: 'hunter2 # 3'\n  existingSecret: other-secret\nshort: line", "password: 'hunter2 # 3'", "hunter2 # 3", "existingSecret: other-secret"},
            id="chart values"),
        pytest.param({"stringData": {"a": "API_KEY=hunter2hunter2"}}, {"API_KEY=hunter2hunter2", "hunter2hunter2"}, id="a line of an .env file"),
        pytest.param(
            {"stringData": {"a": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----"}},
            {"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG"},
            id="a PEM block, but not its frame"),
    ],
)  # fmt: skip
def test_values(secret: dict[str, Any], wanted: set[str]) -> None:
    assert values(secret) == wanted


# --- any Secret


def test_help_does_not_wait_for_cryptography() -> None:
    code = "import sys, fluxdoctor.intake.secrets; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - a fixed command


# Values that hold a canary where a secret, a comment or junk may stand: not in a host, a key name or a plug-in's name.
SHAPES: dict[str, Callable[[str], str]] = {
    "text": str,
    "a line": "{}\n".format,
    "lines": "one\n{}\nthree".format,
    "field": '{{"a": {{"token": "{0}", "x": ["{0}"]}}}}'.format,
    "env": "TOKEN={}".format,
    "url": "https://me:{}@host/path".format,
    "sops, partly": "a: ENC[AES256_GCM,data:x]\nb: {}".format,
    **{
        f"PEM {label}": f"{{0}}\n-----BEGIN {label}-----\nProc-Type: {{0}}\n\n{{0}}\n-----END {label}-----\n{{0}}".format
        for label in ("PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "CERTIFICATE", "PUBLIC KEY", "{0}",
                      "{0} PRIVATE KEY", "PGP PRIVATE KEY BLOCK")
    },
    "OpenSSH": lambda c: f"-----BEGIN OPENSSH PRIVATE KEY-----\n{b64('openssh-key-v1' + c)}\n-----END OPENSSH PRIVATE KEY-----",
    "key": lambda c: f"{c}\n{pem(EC)}{c}",
    "known_hosts": lambda c: f"# {c}\ngithub.com ssh-ed25519 {GITHUB_ED25519} {c}\nx {c} {b64(c)}\n",
    "revoked": lambda c: f"@revoked {c} ssh-ed25519 {GITHUB_ED25519}\ngithub.com ssh-ed25519 {GITHUB_ED25519}",
    "age": lambda c: f"# {c}\nAGE-SECRET-KEY-1{c}\n{AGE_IDENTITY}\n",
    "docker": lambda c: json.dumps({"auths": {
        "a": {"auth": b64(f"me:{c}")}, "b": {"username": c, "password": c, "email": c, "identitytoken": c},
        f"https://me:{c}@host": {"auth": c}, f"https://me:x/{c}@host": {}, f"https://host/?x={c}@y": {}, "d": c}}),
    "dockercfg": lambda c: json.dumps({"a": {"auth": c}, f"u:{c}/@b": {"auth": [c]}}),
    "kubeconfig": lambda c: f"""clusters:
- name: {c}
  cluster: {{server: {c}}}
- cluster:
    server: https://me:{c}@host:6443/{c}?x={c}
- cluster:
    server: https://host:{c}/
users:
- user:
    token: {c}
    password: "{c}"
    exec:
      command: /opt/{c}/aws --token {c}
      args: ["{c}"]
""",
    "kubeconfig in JSON": lambda c: json.dumps(
        {"clusters": [{"server": f"https://u:{c}@h", c: c}], "users": [{"token": c, "exec": {"command": f"aws {c}"}}]}),
}  # fmt: skip
CANARIES = st.text("abcdefghkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789+/", min_size=10, max_size=40).map(
    "canary".__add__
)
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**9) | st.floats() | st.text() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=8,
)


PLACES: dict[str, Callable[[str, Any], dict[str, Any]]] = {
    "data": lambda value, other: {"data": {"k": b64(value), "o": other}},
    "stringData": lambda value, other: {"stringData": {"k": value}, "data": {"k": b64(value), "o": other}},
    "data, but not in base64": lambda value, other: {"data": {"k": value + "!", "o": other}},
    "nested": lambda value, other: {"stringData": {"k": {"x": [value]}, "o": other}},
    "no mapping": lambda value, other: {"stringData": [value, other]},
}


@st.composite
def birdcages(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a canary, and a Secret with it in its values and in the places where values are copied to."""
    canary, shape = draw(CANARIES), draw(st.sampled_from(sorted(SHAPES)))
    value = SHAPES[shape](canary)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": draw(st.sampled_from(["Opaque", "kubernetes.io/tls", "helm.sh/release.v1", 7])),
        **PLACES[draw(st.sampled_from(sorted(PLACES)))](value, draw(JUNK)),
    }
    annotations = {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps(secret, default=str),
        "whole": value,
        "whole, in base64": b64(value),
        "object": {"x": canary},
    }
    if canary in value:
        annotations |= {"bare": canary, "in base64": b64(canary), "in words": f"it was {canary}, before"}
        annotations["other"] = SHAPES[draw(st.sampled_from(sorted(SHAPES)))](canary)
    secret["metadata"] = {
        "name": "a",
        "labels": [canary],
        "annotations": annotations,
        "ownerReferences": [{"name": "x", "value": canary}],
        "managedFields": [canary],
        canary: canary,
    }
    return canary, secret


@given(birdcages())
def test_no_canary_leaves(birdcage: tuple[str, dict[str, Any]]) -> None:
    canary, secret = birdcage
    said = json.dumps(facts(secret))
    assert canary not in said
    assert b64(canary).rstrip("=") not in said


def test_numbers_without_end_and_aliases_of_yaml() -> None:
    loop: dict[str, Any] = {"password": "hunter2hunter2"}
    loop["loop"] = [loop, loop]
    secret = {"metadata": {"generation": 16**5000}, "data": loop, "stringData": {16**5000: 16**5000, "k": loop}}
    assert facts(secret) == {
        "metadata": {},
        "keys": {
            "password": {"size": 14, "format": "invalid base64"},
            "loop": {"size": 0, "format": "invalid base64"},
            "": {"size": 0, "format": "invalid base64"},
            "k": {"size": 0, "format": "invalid base64"},
        },
    }
    assert values(secret) == {"hunter2hunter2"}


@given(st.dictionaries(st.sampled_from(["metadata", "data", "stringData", "keys", "type", "kind"]), JUNK) | JUNK)
def test_nothing_raises_and_facts_of_facts_are_the_same(secret: Any) -> None:
    found = facts(secret)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert facts(found) == found
    assert all(isinstance(value, str) for value in values(secret))


@given(st.sampled_from([pem(RSA), pem(ED, PrivateFormat.OpenSSH), KUBECONFIG, json.dumps(DOCKER), AGE_IDENTITY,
                        certificate(datetime(2030, 1, 1, tzinfo=UTC), ("a",)), f"github.com ssh-ed25519 {GITHUB_ED25519}"]),
       st.data())  # fmt: skip
def test_a_wounded_value_has_facts(value: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(value)))
    length = data.draw(st.integers(0, 40))
    wounded = value[:at] + data.draw(st.text(max_size=9)) + value[at + length :]
    found = facts({"stringData": {"k": wounded}})
    assert list(found["keys"]) == ["k"]  # type: ignore[call-overload]
    assert facts(found) == found


@given(CANARIES, st.sampled_from(sorted(SHAPES)))
def test_the_redactor_knows_the_values(canary: str, shape: str) -> None:
    value = SHAPES[shape](canary)
    redactor = Redactor(values({"stringData": {"k": value}}))
    assert canary not in redactor.text(f"cannot read {value!s}: unexpected end")

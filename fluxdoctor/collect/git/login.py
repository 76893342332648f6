"""What a GitRepository logs in with, read from its Secrets as source-controller reads them."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, fields
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from fluxdoctor.collect.git.remote import Remote
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.intake.vault import SecretData, Vault
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Resource

_MAX_PROXY = 2048


@dataclass(frozen=True, repr=False)
class App:
    """A GitHub App as its Secret describes it; the key names are those of fluxcd/pkg/auth/githubapp."""

    id: str
    installation: str
    owner: str
    key: bytes
    base_url: str


@dataclass(frozen=True, repr=False)
class Proxy:
    """The proxy of spec.proxySecretRef, or (``own``) of the caller's environment: scheme, host, port; the login, "" for none."""

    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = ""
    own: bool = False


@dataclass(frozen=True, repr=False)
class GitLogin:
    """Everything a remote is asked with. It has no repr that shows a value."""

    username: str = ""
    password: str = ""
    bearer: str = ""
    identity: bytes = b""
    passphrase: str = ""
    known_hosts: bytes = b""
    authority: bytes = b""
    certificate: bytes = b""
    key: bytes = b""
    proxy: Proxy | None = None
    app: App | None = None
    secret: str = ""
    """``namespace/name`` of the Secret, for a sentence."""

    @property
    def anonymous(self) -> bool:
        """Nothing in it is a secret."""
        return not any(True for _ in self.values())

    def values(self) -> Iterator[str]:
        """Yield every secret value, for redaction, and the header that user name and password make."""
        texts = [self.password, self.bearer, self.passphrase, self.proxy.password if self.proxy else ""]
        blobs = [self.identity, self.key, self.app.key if self.app else b""]
        yield from filter(None, (*texts, *(b.decode("utf-8", "replace") for b in blobs)))
        if self.password:
            yield f"{self.username}:{self.password}"

    @property
    def fingerprint(self) -> str:
        """A digest of all of it: two that are equal are one login. Never shown, never written."""
        digest = hashlib.sha256()
        for part in (*(getattr(self, f.name) for f in fields(self) if f.name != "secret"),):
            parts = [getattr(part, f.name) for f in fields(part)] if isinstance(part, App | Proxy) else [part]
            for value in parts:
                raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
                digest.update(len(raw).to_bytes(8) + raw)
        return digest.hexdigest()


def read(source: Resource, remote: Remote, vault: Vault) -> GitLogin:
    """Return the login of a GitRepository. Raises UnreachableError (UNKNOWN) where it cannot be known from here.

    As getAuthOpts of source-controller 1.9 and NewAuthOptions of fluxcd/pkg/git v0.52 do. Without spec.secretRef the
    remote is asked anonymously, but for what the URL itself holds.
    """
    provider = source.text("spec.provider") or "generic"
    if provider not in ("generic", "github"):
        raise _unknown(
            f"provider {provider} logs in with the identity of a workload in the cluster; that was not tried from here"
        )
    proxy = _proxy(source, vault) or ambient(remote)
    name = source.text("spec.secretRef.name")
    secret = _secret(source, "spec.secretRef", vault) if name else None
    said = f"Secret {source.namespace}/{name}"
    if remote.scheme == "ssh":
        return _ssh(secret, said, remote, proxy)
    return _http(secret, said, remote, proxy, provider)


def _secret(source: Resource, field: str, vault: Vault) -> SecretData:
    name = source.text(f"{field}.name")
    found = vault.get(source.namespace, name)
    if found is None:
        raise _unknown(f"Secret {source.namespace}/{name} was not read")
    return found


def _ssh(secret: SecretData | None, said: str, remote: Remote, proxy: Proxy | None) -> GitLogin:
    if secret is None:
        raise _unknown("ssh needs a Secret with identity and known_hosts, and spec.secretRef is not set")
    if proxy:
        raise _unknown("ssh through a proxy was not tried from here")
    for key in ("identity", "known_hosts"):
        if not secret.entries.get(key):
            raise _unknown(f"{said} has no {key}")
    return GitLogin(
        username=remote.user or "git",
        identity=secret.entries["identity"],
        passphrase=_raw(secret, "password"),
        known_hosts=secret.entries["known_hosts"],
        secret=said.removeprefix("Secret "),
    )


def _http(secret: SecretData | None, said: str, remote: Remote, proxy: Proxy | None, provider: str) -> GitLogin:
    if secret is None:
        if provider == "github":
            raise _unknown(
                "provider github needs a Secret with the data of a GitHub App, and spec.secretRef is not set"
            )
        return _checked(GitLogin(username=remote.user, password=remote.password, proxy=proxy), "spec.url")
    app = _app(secret, said, provider)
    bearer = "" if app else _text(secret, "bearerToken", said)
    basic = not app and "bearerToken" not in secret.entries
    login = GitLogin(
        username=(_raw(secret, "username") if basic else "") or remote.user,
        password=(_raw(secret, "password") if basic else "") or remote.password,
        bearer=bearer,
        authority=_authority(secret.entries.get("ca.crt") or secret.entries.get("caFile") or b""),
        # The older names certFile and keyFile are read for HelmRepositories and buckets, not for git.
        certificate=secret.entries.get("tls.crt", b""),
        key=secret.entries.get("tls.key", b""),
        proxy=proxy,
        app=app,
        secret=said.removeprefix("Secret "),
    )
    if login.bearer and login.username:
        raise _unknown(f"{said} has a bearerToken, and spec.url a user name: source-controller takes one or the other")
    return _checked(login, said)


def _checked(login: GitLogin, said: str) -> GitLogin:
    if login.password and not login.username:
        raise _unknown(f"{said} has a password and no username")
    if bool(login.certificate) != bool(login.key):
        raise _unknown(f"{said} has one of tls.crt and tls.key, not both")
    return login


def _raw(secret: SecretData, key: str) -> str:
    """Return an entry as it is, line breaks and all: the controller does not trim it either."""
    return secret.entries.get(key, b"").decode("utf-8", "surrogateescape")


def _text(secret: SecretData, key: str, said: str) -> str:
    """Return an entry that goes into a header or a URL; Go refuses there what this refuses."""
    text = _raw(secret, key)
    if not (text.isascii() and text.isprintable()):
        raise _unknown(f"{key} in {said} has a line break or another character that cannot be sent")
    return text


def _authority(pem: bytes) -> bytes:
    """Return the authorities that are certificates; Go passes over what is none (AppendCertsFromPEM)."""
    try:
        ssl.create_default_context().load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return b""
    return pem


def _app(secret: SecretData, said: str, provider: str) -> App | None:
    if provider != "github":
        if secret.entries.get("githubAppID"):
            raise _unknown(f"{said} has the data of a GitHub App, and spec.provider is not github")
        return None
    names = ("githubAppID", "githubAppInstallationID", "githubAppInstallationOwner", "githubAppBaseURL")
    number, installation, owner, base = (_text(secret, key, said) for key in names)
    key = secret.entries.get("githubAppPrivateKey", b"")
    if not number or not key or bool(installation) == bool(owner):
        raise _unknown(
            f"{said} needs githubAppID, githubAppPrivateKey and one of githubAppInstallationID and githubAppInstallationOwner"
        )
    if not number.isdecimal() or (installation and not installation.isdecimal()):
        raise _unknown(f"githubAppID or githubAppInstallationID in {said} is no number")
    return App(number, installation, owner, key, base or "https://api.github.com")


def _proxy(source: Resource, vault: Vault) -> Proxy | None:
    """Read spec.proxySecretRef as ProxyURLFromSecret of fluxcd/pkg/runtime does: address, username, password."""
    name = source.text("spec.proxySecretRef.name")
    if not name:
        return None
    secret, said = _secret(source, "spec.proxySecretRef", vault), f"Secret {source.namespace}/{name}"
    address = _text(secret, "address", said)
    scheme, _, rest = address.partition("://")
    if len(address) > _MAX_PROXY or scheme not in ("http", "https", "socks5"):
        raise _unknown(f"address in {said} is no http, https or socks5 URL")
    host, port = _host_port(
        rest.partition("/")[0].rpartition("@")[2], {"http": 80, "https": 443, "socks5": 1080}[scheme]
    )
    if not host:
        raise _unknown(f"address in {said} names no host and port")
    return Proxy(scheme, host, port, _raw(secret, "username"), _raw(secret, "password"))


def ambient(remote: Remote) -> Proxy | None:
    """Return the proxy that the caller's environment names (HTTPS_PROXY, NO_PROXY ...), as for any program.

    Loopback is never reached through one, as Go has it too.
    """
    if remote.scheme == "ssh" or remote.host in ("localhost", "::1") or remote.host.startswith("127."):
        return None
    named = getproxies_environment()
    address = named.get(remote.scheme) or named.get("all") or ""
    if not address or proxy_bypass(remote.netloc):
        return None
    found = urlsplit(address if "://" in address else f"http://{address}")
    scheme = {"socks5h": "socks5"}.get(found.scheme, found.scheme)
    try:
        port = found.port or {"http": 80, "https": 443, "socks5": 1080}[scheme]
    except (KeyError, ValueError):
        return None
    return Proxy(
        scheme, found.hostname or "", port, unquote(found.username or ""), unquote(found.password or ""), own=True
    )


def _host_port(text: str, default: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host = text
    valid = all(c.isalnum() or c in ".-_:" for c in host.strip("[]")) and not host.startswith("-")
    number = int(port) if port.isascii() and port.isdecimal() else default
    return (host.strip("[]"), number) if valid and host and (not colon or port.isdecimal()) else ("", 0)


def _unknown(why: str) -> UnreachableError:
    return UnreachableError(Answer.UNKNOWN, why)

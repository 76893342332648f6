"""Reads the login of a GitRepository from its Secrets, in the same way as source-controller."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, fields
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from fluxdoctor.collect.git.remote import Remote
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.intake.credentials import remember
from fluxdoctor.intake.vault import SecretData, Vault
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Resource

_MAX_PROXY = 2048


@dataclass(frozen=True, repr=False)
class App:
    """A GitHub App from its Secret; the Secret's keys are those of fluxcd/pkg/auth/githubapp."""

    id: str
    installation: str
    owner: str
    key: bytes
    base_url: str


@dataclass(frozen=True, repr=False)
class Proxy:
    """The proxy of spec.proxySecretRef, or (``is_ambient``) of the caller's environment. ``username`` is "" without a login."""

    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = ""
    is_ambient: bool = False


@dataclass(frozen=True, repr=False)
class GitLogin:
    """The complete login for a remote. Its repr shows no value."""

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
    """``namespace/name`` of the Secret, for messages."""

    @property
    def is_anonymous(self) -> bool:
        """Whether it contains no secret."""
        return not any(True for _ in self.values())

    def values(self) -> Iterator[str]:
        """Yield every secret value, for redaction, and the ``username:password`` pair of the header."""
        texts = [self.password, self.bearer, self.passphrase, self.proxy.password if self.proxy else ""]
        blobs = [self.identity, self.key, self.app.key if self.app else b""]
        yield from filter(None, (*texts, *(b.decode("utf-8", "replace") for b in blobs)))
        if self.password:
            yield f"{self.username}:{self.password}"

    @property
    def fingerprint(self) -> str:
        """A digest of all fields but ``secret``: equal digests are the same login. Never shown and never written."""
        digest = hashlib.sha256()
        for part in (*(getattr(self, f.name) for f in fields(self) if f.name != "secret"),):
            parts = [getattr(part, f.name) for f in fields(part)] if isinstance(part, App | Proxy) else [part]
            for value in parts:
                raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
                digest.update(len(raw).to_bytes(8) + raw)
        return digest.hexdigest()


def read(source: Resource, remote: Remote, vault: Vault) -> GitLogin:
    """Return the login of a GitRepository, and remember it for redaction. Raises UnreachableError (UNKNOWN) if it is not clear.

    This follows getAuthOpts of source-controller 1.9 and NewAuthOptions of fluxcd/pkg/git v0.52. Without spec.secretRef the
    login is anonymous, except for the credentials in the URL.
    """
    login = _read(source, remote, vault)
    remember(*login.values())
    return login


def _read(source: Resource, remote: Remote, vault: Vault) -> GitLogin:
    provider = source.text("spec.provider") or "generic"
    if provider not in ("generic", "github"):
        raise _unknown(
            f"provider {provider} uses the identity of a workload in the cluster, which is not available here"
        )
    proxy = _proxy(source, vault) or ambient(remote)
    name = source.text("spec.secretRef.name")
    secret = _secret(source, "spec.secretRef", vault) if name else None
    secret_name = f"{source.namespace}/{name}"
    if remote.scheme == "ssh":
        return _ssh_login(secret, secret_name, remote, proxy)
    return _http_login(secret, secret_name, remote, proxy, provider)


def _secret(source: Resource, reference: str, vault: Vault) -> SecretData:
    name = source.text(f"{reference}.name")
    secret = vault.get(source.namespace, name)
    if secret is None:
        raise _unknown(f"Secret {source.namespace}/{name} was not read")
    return secret


def _ssh_login(secret: SecretData | None, secret_name: str, remote: Remote, proxy: Proxy | None) -> GitLogin:
    if secret is None:
        raise _unknown("ssh requires a Secret with identity and known_hosts, but spec.secretRef is not set")
    if proxy:
        raise _unknown("ssh through a proxy is not supported here")
    for key in ("identity", "known_hosts"):
        if not secret.entries.get(key):
            raise _unknown(f"Secret {secret_name} has no {key}")
    return GitLogin(
        username=remote.user or "git",
        identity=secret.entries["identity"],
        passphrase=_entry(secret, "password"),
        known_hosts=secret.entries["known_hosts"],
        secret=secret_name,
    )


def _http_login(
    secret: SecretData | None, secret_name: str, remote: Remote, proxy: Proxy | None, provider: str
) -> GitLogin:
    if secret is None:
        if provider == "github":
            raise _unknown(
                "provider github requires a Secret with the data of a GitHub App, but spec.secretRef is not set"
            )
        return _checked(GitLogin(username=remote.user, password=remote.password, proxy=proxy), "spec.url")
    app = _app(secret, secret_name, provider)
    bearer = "" if app else _printable_entry(secret, "bearerToken", secret_name)
    basic = not app and "bearerToken" not in secret.entries
    login = GitLogin(
        username=(_entry(secret, "username") if basic else "") or remote.user,
        password=(_entry(secret, "password") if basic else "") or remote.password,
        bearer=bearer,
        authority=_authority(secret.entries.get("ca.crt") or secret.entries.get("caFile") or b""),
        # The older names certFile and keyFile are read for HelmRepositories and Buckets, not for git.
        certificate=secret.entries.get("tls.crt", b""),
        key=secret.entries.get("tls.key", b""),
        proxy=proxy,
        app=app,
        secret=secret_name,
    )
    if login.bearer and login.username:
        raise _unknown(
            f"Secret {secret_name} has a bearerToken and spec.url has a username: source-controller accepts only one of them"
        )
    return _checked(login, f"Secret {secret_name}")


def _checked(login: GitLogin, origin: str) -> GitLogin:
    """Return the login. Raises UnreachableError (UNKNOWN) if it is incomplete; ``origin``: where it comes from, for messages."""
    if login.password and not login.username:
        raise _unknown(f"{origin} has a password but no username")
    if bool(login.certificate) != bool(login.key):
        raise _unknown(f"{origin} has only one of tls.crt and tls.key")
    return login


def _entry(secret: SecretData, key: str) -> str:
    """Return an entry unchanged, with its line breaks: the controller does not trim it either."""
    return secret.entries.get(key, b"").decode("utf-8", "surrogateescape")


def _printable_entry(secret: SecretData, key: str, secret_name: str) -> str:
    """Return an entry for a header or a URL. Raises UnreachableError (UNKNOWN) for characters that Go rejects there."""
    text = _entry(secret, key)
    if not (text.isascii() and text.isprintable()):
        raise _unknown(f"{key} in Secret {secret_name} has a line break or another character that cannot be sent")
    return text


def _authority(pem: bytes) -> bytes:
    """Return the authorities if they are certificates, else b"": Go ignores anything else (AppendCertsFromPEM)."""
    try:
        ssl.create_default_context().load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return b""
    return pem


def _app(secret: SecretData, secret_name: str, provider: str) -> App | None:
    if provider != "github":
        if secret.entries.get("githubAppID"):
            raise _unknown(f"Secret {secret_name} has the data of a GitHub App, but spec.provider is not github")
        return None
    names = ("githubAppID", "githubAppInstallationID", "githubAppInstallationOwner", "githubAppBaseURL")
    number, installation, owner, base = (_printable_entry(secret, key, secret_name) for key in names)
    key = secret.entries.get("githubAppPrivateKey", b"")
    if not number or not key or bool(installation) == bool(owner):
        raise _unknown(
            f"Secret {secret_name} requires githubAppID, githubAppPrivateKey and either githubAppInstallationID or "
            "githubAppInstallationOwner"
        )
    if not number.isdecimal() or (installation and not installation.isdecimal()):
        raise _unknown(f"githubAppID or githubAppInstallationID in Secret {secret_name} is not a number")
    return App(number, installation, owner, key, base or "https://api.github.com")


def _proxy(source: Resource, vault: Vault) -> Proxy | None:
    """Read spec.proxySecretRef in the same way as ProxyURLFromSecret of fluxcd/pkg/runtime: address, username, password."""
    name = source.text("spec.proxySecretRef.name")
    if not name:
        return None
    secret, secret_name = _secret(source, "spec.proxySecretRef", vault), f"{source.namespace}/{name}"
    address = _printable_entry(secret, "address", secret_name)
    scheme, _, rest = address.partition("://")
    if len(address) > _MAX_PROXY or scheme not in ("http", "https", "socks5"):
        raise _unknown(f"address in Secret {secret_name} is not an http, https or socks5 URL")
    host, port = _parse_host_port(
        rest.partition("/")[0].rpartition("@")[2], {"http": 80, "https": 443, "socks5": 1080}[scheme]
    )
    if not host:
        raise _unknown(f"address in Secret {secret_name} has no valid host and port")
    return Proxy(scheme, host, port, _entry(secret, "username"), _entry(secret, "password"))


def ambient(remote: Remote) -> Proxy | None:
    """Return the proxy of the caller's environment (HTTPS_PROXY, NO_PROXY ...), or None.

    Loopback addresses are never reached through a proxy, as in Go.
    """
    if remote.scheme == "ssh" or remote.host in ("localhost", "::1") or remote.host.startswith("127."):
        return None
    proxies = getproxies_environment()
    address = proxies.get(remote.scheme) or proxies.get("all") or ""
    if not address or proxy_bypass(remote.netloc):
        return None
    url = urlsplit(address if "://" in address else f"http://{address}")
    scheme = {"socks5h": "socks5"}.get(url.scheme, url.scheme)
    try:
        port = url.port or {"http": 80, "https": 443, "socks5": 1080}[scheme]
    except (KeyError, ValueError):
        return None
    return Proxy(
        scheme, url.hostname or "", port, unquote(url.username or ""), unquote(url.password or ""), is_ambient=True
    )


def _parse_host_port(text: str, default: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host = text
    is_valid = all(c.isalnum() or c in ".-_:" for c in host.strip("[]")) and not host.startswith("-")
    number = int(port) if port.isascii() and port.isdecimal() else default
    return (host.strip("[]"), number) if is_valid and host and (not colon or port.isdecimal()) else ("", 0)


def _unknown(why: str) -> UnreachableError:
    return UnreachableError(Answer.UNKNOWN, why)

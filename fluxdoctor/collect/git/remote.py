"""Parses the address of a git repository as untrusted text: what source-controller does not accept is not contacted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.model.probes import Answer

_PORTS = {"https": 443, "http": 80, "ssh": 22}
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?", re.S
)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9.])?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@+-]{0,63}")
_MAX_PORT, _MAX_URL = 65535, 2048


@dataclass(frozen=True)
class Remote:
    """The address of a repository. ``user`` and ``password`` are those of the URL; only the user of ssh is ever printed."""

    scheme: str
    host: str
    port: int
    path: str
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def service(self) -> tuple[str, str, int]:
        """The network service: scheme, host and port."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """Host and port as in a URL, without the scheme's default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL without any credentials: for git's command line and for reports."""
        return f"{self.scheme}://{self.netloc}{self.path}"


def parse(url: str) -> Remote:
    """Parse spec.url of a GitRepository. Raises UnreachableError (NOT_CONTACTED) if it is not the URL of a git server.

    source-controller 1.9 accepts http, https and ssh only (the CRD's pattern), and no scp-like addresses.
    """
    if any(c.isspace() or not c.isprintable() for c in url):
        raise _not_contacted("spec.url contains white space or control characters")
    if len(url) > _MAX_URL:
        raise _not_contacted(f"spec.url is longer than {_MAX_URL} characters")
    match = _URL.fullmatch(url)
    if not match or match["scheme"] not in _PORTS:
        scheme = match["scheme"] if match else url.partition(":")[0] if ":" in url else ""
        not_scheme = f", not {scheme[:20]}" if re.fullmatch(r"[a-z][a-z0-9+-]*", scheme) else ""
        raise _not_contacted(f"only https, ssh and http are supported{not_scheme}")
    if match["query"]:
        raise _not_contacted("spec.url must not have a query (?...)")
    userinfo, _, address = match["authority"].rpartition("@")
    user, _, password = userinfo.partition(":")
    host, port = _parse_address(address, _PORTS[match["scheme"]])
    remote = Remote(match["scheme"], host, port, match["path"] or "/", unquote(user), unquote(password))
    if remote.scheme == "ssh" and remote.user and not _USER.fullmatch(remote.user):
        raise _not_contacted("the username in spec.url is not valid")
    return remote


def _parse_address(text: str, default: int) -> tuple[str, int]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        is_valid, port = bracket and rest[:1] in ("", ":") and _IPV6.fullmatch(host), rest[1:]
    else:
        host, _, port = text.partition(":")
        is_valid = _NAME.fullmatch(host)
    if not is_valid:
        raise _not_contacted("spec.url has no valid host name")
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= _MAX_PORT):
        raise _not_contacted("the port in spec.url is not a number from 1 to 65535")
    return host.lower(), int(port) if port else default


def masked(url: str) -> str:
    """Return an invalid URL in a form that a Probe can show: short, without user info, query and control characters."""
    clean = "".join(c if c.isprintable() and not c.isspace() else "?" for c in url[:200])
    scheme, sep, rest = clean.partition("://")
    if not sep:
        return clean.rpartition("@")[2].partition("?")[0]
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path.rpartition('@')[2].partition('?')[0]}"


def quoted(text: str) -> str:
    """Return a username or password, percent-encoded for a URL."""
    return quote(text, safe="")


def _not_contacted(why: str) -> UnreachableError:
    return UnreachableError(Answer.NOT_CONTACTED, why)

"""The address of a git repository, read as a hostile text: what no source-controller would read is not contacted."""

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
    """Where a repository is. ``user`` and ``password`` are those of the URL; only the user of ssh is ever written out."""

    scheme: str
    host: str
    port: int
    path: str
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def service(self) -> tuple[str, str, int]:
        """What answers there: scheme, host and port."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """Host and port as a URL has them; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL without any credentials: git is given this one, and reports show it."""
        return f"{self.scheme}://{self.netloc}{self.path}"


def parse(url: str) -> Remote:
    """Read spec.url of a GitRepository. Raises UnreachableError (NOT_CONTACTED) for what is no URL of a git server.

    source-controller 1.9 takes http, https and ssh only (the CRD's pattern); scp-like addresses are none of them.
    """
    if any(c.isspace() or not c.isprintable() for c in url):
        raise _refused("spec.url has white space or control characters in it")
    if len(url) > _MAX_URL:
        raise _refused(f"spec.url is longer than {_MAX_URL} characters")
    found = _URL.fullmatch(url)
    if not found or found["scheme"] not in _PORTS:
        scheme = found["scheme"] if found else url.partition(":")[0] if ":" in url else ""
        said = f", not {scheme[:20]}" if re.fullmatch(r"[a-z][a-z0-9+-]*", scheme) else ""
        raise _refused(f"a GitRepository is read over https, ssh or http{said}")
    if found["query"]:
        raise _refused("spec.url has a query (?...), and a git server's URL has none")
    userinfo, _, address = found["authority"].rpartition("@")
    user, _, password = userinfo.partition(":")
    host, port = _address(address, _PORTS[found["scheme"]])
    remote = Remote(found["scheme"], host, port, found["path"] or "/", unquote(user), unquote(password))
    if remote.scheme == "ssh" and remote.user and not _USER.fullmatch(remote.user):
        raise _refused("the user in spec.url is not one that a git server has")
    return remote


def _address(text: str, default: int) -> tuple[str, int]:
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        valid, port = closed and rest[:1] in ("", ":") and _IPV6.fullmatch(host), rest[1:]
    else:
        host, _, port = text.partition(":")
        valid = _NAME.fullmatch(host)
    if not valid:
        raise _refused("spec.url has no host name that can be asked for")
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= _MAX_PORT):
        raise _refused("the port in spec.url is no number from 1 to 65535")
    return host.lower(), int(port) if port else default


def masked(url: str) -> str:
    """Return a URL that could not be read as a Probe may show it: no user info, no query, no control characters, short."""
    clean = "".join(c if c.isprintable() and not c.isspace() else "?" for c in url[:200])
    scheme, sep, rest = clean.partition("://")
    if not sep:
        return clean.rpartition("@")[2].partition("?")[0]
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path.rpartition('@')[2].partition('?')[0]}"


def quoted(text: str) -> str:
    """Return a user name or password as a URL has it."""
    return quote(text, safe="")


def _refused(why: str) -> UnreachableError:
    return UnreachableError(Answer.NOT_CONTACTED, why)

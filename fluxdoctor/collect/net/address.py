"""Parses the URLs of sources, and formats them without credentials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote, urljoin

from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.model.probes import Answer

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A parsed http or https URL. ``target``: path and query as sent. Its str contains no user, password or query."""

    scheme: str
    host: str
    port: int
    target: str = "/"
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"

    __repr__ = __str__

    @property
    def authority(self) -> str:
        """Host and port, as in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL without user and password."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def is_same_origin(self, other: Address) -> bool:
        """Tell whether credentials for this address may be sent to the other: the same host and port, or its https port."""
        is_same = (self.scheme, self.port) == (other.scheme, other.port)
        is_upgrade = (self.port, other.port) == (80, 443) and (self.scheme, other.scheme) == ("http", "https")
        return self.host == other.host and (is_same or is_upgrade)

    def join(self, reference: str) -> Address:
        """Resolve a reference against this address. Raises UnreachableError if the result is not a URL."""
        try:
            return parse(urljoin(self.url, reference))
        except ValueError:
            raise UnreachableError(
                Answer.MALFORMED, f"{self.authority} refers to an address that is not a URL"
            ) from None

    def below(self, path: str) -> Address:
        """Return the address with a path appended. The query stays, as in Helm."""
        base, mark, query = self.target.partition("?")
        return replace(self, target=f"{base.rstrip('/')}/{path.lstrip('/')}{mark}{query}")

    def at(self, target: str) -> Address:
        """Return the address of another path and query on the same host."""
        return replace(self, target=target)


def parse(url: str) -> Address:
    """Parse an http or https URL. Raises UnreachableError(NOT_CONTACTED), without the URL, if it is not one."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        parsed = parse_url(url.strip())
    except (LocationParseError, ValueError):
        raise UnreachableError(Answer.NOT_CONTACTED, "the URL is not valid") from None
    if parsed.scheme not in PORTS or not parsed.host:
        raise UnreachableError(Answer.NOT_CONTACTED, "the URL is neither http nor https")
    user, _, password = (parsed.auth or "").partition(":")
    target = parsed.request_uri if parsed.request_uri.startswith("/") else f"/{parsed.request_uri}"
    return Address(
        parsed.scheme,
        parsed.host.strip("[]"),
        parsed.port or PORTS[parsed.scheme],
        target,
        unquote(user),
        unquote(password),
    )

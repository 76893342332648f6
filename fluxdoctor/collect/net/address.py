"""URLs of sources: taken apart, and written without what may be secret in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote, urljoin

from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.model.probes import Answer

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where to ask: ``target`` is path and query as they are sent. Its str has neither user nor query."""

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
        """Host and port, as a Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL but for user and password."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def is_same_origin(self, other: Address) -> bool:
        """Tell whether what is sent to this place may be sent to the other: the same host and port, or its https."""
        is_same = (self.scheme, self.port) == (other.scheme, other.port)
        is_upgrade = (self.port, other.port) == (80, 443) and (self.scheme, other.scheme) == ("http", "https")
        return self.host == other.host and (is_same or is_upgrade)

    def join(self, reference: str) -> Address:
        """Resolve a reference against this place. Raises UnreachableError."""
        try:
            return parse(urljoin(self.url, reference))
        except ValueError:
            raise UnreachableError(Answer.MALFORMED, f"{self.authority} names a place that is no URL") from None

    def below(self, path: str) -> Address:
        """Return the place with a path after its own; the query stays, as Helm keeps it."""
        base, mark, query = self.target.partition("?")
        return replace(self, target=f"{base.rstrip('/')}/{path.lstrip('/')}{mark}{query}")

    def at(self, target: str) -> Address:
        """Return another path and query of the same host."""
        return replace(self, target=target)


def parse(url: str) -> Address:
    """Take an http or https URL apart. Raises UnreachableError(NOT_CONTACTED), without the URL in its text."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        parsed = parse_url(url.strip())
    except (LocationParseError, ValueError):
        raise UnreachableError(Answer.NOT_CONTACTED, "the URL cannot be read") from None
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

"""Sends HTTP requests to untrusted hosts.

Each request is limited in time and size. It connects only to an address that was checked, follows few redirects, never
sends credentials to another host, and turns every error into a class (Answer).
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from fluxdoctor._version import __version__
from fluxdoctor.collect.net import tls
from fluxdoctor.collect.net.address import Address
from fluxdoctor.collect.net.addresses import Network, UnreachableError, tls_answer
from fluxdoctor.collect.net.sockets import shut, track
from fluxdoctor.collect.net.tls import Material
from fluxdoctor.intake.credentials import remember_login
from fluxdoctor.model.probes import Answer

MIB = 1 << 20
_CHUNK = 1 << 18
_REFUSAL = 64 << 10  # bytes that are read of an error response
_HOPS = 5
_CONNECT, _READ = 5.0, 10.0
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_OK, _BAD, _PROXY_LOGIN, _TOO_MANY, _BROKEN = 200, 400, 407, 429, 500
_CONNECTION_CUT = "the connection was closed"
#: The response of an https port to an http request (Go's net/http, nginx, Apache httpd).
_HTTPS_EXPECTED = (
    b"HTTP request to an HTTPS server",
    b"plain HTTP request was sent to HTTPS port",
    b"speaking plain HTTP to an SSL",
)


@dataclass(frozen=True, repr=False)
class Access:
    """How to access a source: credentials, TLS settings and proxy. Its repr shows no content."""

    username: str = ""
    password: str = ""
    tls: Material | None = None
    proxy: Address | None = None
    verify: bool = True

    def __repr__(self) -> str:
        return "Access(...)"

    @property
    def basic(self) -> str:
        """The header of basic authentication, or ""."""
        return basic(self.username, self.password) if self.username or self.password else ""

    @property
    def key(self) -> tuple[object, ...]:
        """The identity of the access: sources with the same URL and key share one request. Never printed."""
        fingerprint = self.tls.fingerprint if self.tls else ""
        proxy = (self.proxy.url, self.proxy.user, self.proxy.password) if self.proxy else ()
        return (self.username, self.password, fingerprint, proxy, self.verify)


@dataclass(frozen=True)
class Response:
    """A response: status, headers by lower-case name, body ("" if it was streamed), and the address that sent it."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    place: Address

    @property
    def ok(self) -> bool:
        """The status is 200."""
        return self.status == _OK

    def refusal(self) -> UnreachableError:
        """Return the error for a response that is not a success."""
        answer = answer_for_status(self.status)
        status_text = (
            f"{self.place.authority} answers {self.status} {http.client.responses.get(self.status, '')}".rstrip()
        )
        if self.status == _BAD and any(words in self.body for words in _HTTPS_EXPECTED):
            return UnreachableError(
                Answer.MALFORMED, f"{self.place.authority} expects https, but the request used http"
            )
        retry_after = self.headers.get("retry-after", "")
        wait = f", retry after {retry_after} s" if retry_after.isdecimal() else ""
        return UnreachableError(answer, f"{status_text}{wait}")


def basic(username: str, password: str) -> str:
    """Return the header of basic authentication. The password never comes back in an answer."""
    remember_login(username, password)
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def answer_for_status(status: int) -> Answer:
    """Return the class of an HTTP status that is not a success."""
    answers = {401: Answer.AUTHENTICATION, 403: Answer.AUTHENTICATION, 404: Answer.NOT_FOUND, 410: Answer.NOT_FOUND}
    answers |= {_PROXY_LOGIN: Answer.PROXY, _TOO_MANY: Answer.RATE_LIMITED}
    return answers.get(status, Answer.SERVER_ERROR if status >= _BROKEN else Answer.MALFORMED)


class Client:
    """Sends the requests for one source with its access. Methods raise UnreachableError and no other exception."""

    def __init__(self, network: Network, access: Access | None = None) -> None:
        """Start the time limit of the host. Send no request yet."""
        self._network = network
        self.access = access or Access()
        self.deadline = network.deadline.within(network.per_host)
        self._managers: dict[bool, tuple[Any, Any]] = {}
        self._host = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for manager, _ in self._managers.values():
            manager.clear()

    def get(
        self,
        place: Address,
        headers: Mapping[str, str] | None = None,
        *,
        authorization: str = "",
        limit: int = MIB,
        into: Callable[[bytes], object] | None = None,
    ) -> Response:
        """Send a GET request. ``authorization`` is sent only to this host. ``limit``: bytes of the decompressed body.

        ``into`` receives the body of a success in pieces; the Response then has an empty body.
        """
        first = place
        for _ in range(_HOPS + 1):
            is_same_origin, self._host = first.is_same_origin(place), place.authority
            request_headers = {
                **(headers or {}),
                **({"Authorization": authorization} if authorization and is_same_origin else {}),
            }
            with self._deadline_enforced():
                answer = self._send(place, request_headers, limit, into, identify=is_same_origin)
            location = answer.headers.get("location", "") if answer.status in _REDIRECTS else ""
            if not location:
                return answer
            next_place = place.join(location)
            if place.scheme == "https" and next_place.scheme == "http":
                raise UnreachableError(Answer.NOT_CONTACTED, f"{place.authority} redirects from https to http")
            place = next_place
        raise UnreachableError(Answer.MALFORMED, f"{first.authority} redirects more than {_HOPS} times")

    @contextlib.contextmanager
    def _deadline_enforced(self) -> Iterator[None]:
        """Close the connections at the deadline: a server that sends its headers slowly resets the timeout of each read."""
        timer = threading.Timer(self.deadline.left(), self._close_connections)
        timer.daemon = True
        timer.start()
        try:
            with self.deadline.on_cancel(self._close_connections):
                yield
        finally:
            timer.cancel()

    def _close_connections(self) -> None:
        for _, connections in list(self._managers.values()):
            shut(connections)

    def _send(
        self,
        place: Address,
        headers: Mapping[str, str],
        limit: int,
        into: Callable[[bytes], object] | None,
        *,
        identify: bool,
    ) -> Response:
        from urllib3.exceptions import HTTPError

        try:
            raw = self._open(place, headers, identify=identify)
            try:
                is_success = raw.status == _OK
                body = _read_body(
                    raw,
                    self._check_deadline,
                    limit if is_success else _REFUSAL,
                    into if is_success else None,
                    cut=not is_success,
                )
                self._check_deadline()  # truncated headers look complete
            finally:
                raw.close()
                raw.release_conn()
        except (HTTPError, OSError, ValueError, zlib.error, http.client.HTTPException) as error:
            raise self._unreachable(place, error) from None
        return Response(raw.status, {k.lower(): v for k, v in raw.headers.items()}, body, place)

    def _check_deadline(self) -> None:
        if self.deadline.over():
            raise self._timeout_error()

    def _timeout_error(self) -> UnreachableError:
        words = "the run was cancelled" if self.deadline.cancelled else "no complete answer in time"
        return UnreachableError(Answer.TIMEOUT, f"{self._host}: {words}")

    def _open(self, place: Address, headers: Mapping[str, str], *, identify: bool) -> Any:
        """Connect to a checked address, never by name: the name may resolve to another address later."""
        agent = {"User-Agent": f"fluxdoctor/{__version__}", "Accept-Encoding": "gzip", **headers}
        if self.access.proxy:
            self._check_allowed(place)
            return self._manager(identify).urlopen("GET", place.url, headers=agent, **self._options())
        last_error: Exception | None = None
        for address in self._network.addresses(place.host, place.port):
            tls_options = {"server_hostname": place.host} if place.scheme == "https" else {}
            pool = self._manager(identify).connection_from_host(address, place.port, place.scheme, tls_options)
            try:
                return pool.urlopen("GET", place.target, headers={"Host": place.authority, **agent}, **self._options())
            except _connect_errors() as error:
                last_error = error
                self._check_deadline()
        raise last_error or UnreachableError(Answer.DNS, f"{place.host} has no address")

    def _check_allowed(self, place: Address) -> None:
        """Raise UnreachableError if the host is forbidden. The proxy resolves the name, so other errors do not count here."""
        try:
            self._network.addresses(place.host, place.port)
        except UnreachableError as error:
            if error.answer is Answer.NOT_CONTACTED:
                raise

    def _options(self) -> dict[str, Any]:
        from urllib3 import Timeout

        self._check_deadline()
        remaining = max(0.05, self.deadline.left())
        wait = Timeout(connect=min(_CONNECT, remaining), read=min(_READ, remaining))
        return {"redirect": False, "retries": False, "preload_content": False, "timeout": wait}

    def _manager(self, identify: bool) -> Any:
        import urllib3

        if identify not in self._managers:
            context = tls.context(self.access.tls, verify=self.access.verify, identify=identify)
            options: dict[str, Any] = {"num_pools": 8, "maxsize": 1, "retries": False, "ssl_context": context}
            if not self.access.verify:
                options["cert_reqs"] = "CERT_NONE"
                urllib3.disable_warnings(
                    urllib3.exceptions.InsecureRequestWarning
                )  # the source itself allows insecure connections
            proxy = self.access.proxy
            manager = self._proxy_manager(proxy, options) if proxy else urllib3.PoolManager(**options)
            self._managers[identify] = (manager, track(manager))
        return self._managers[identify][0]

    def _proxy_manager(self, proxy: Address, options: dict[str, Any]) -> Any:
        """Return a connection manager for a proxy, which is contacted at a checked address."""
        import urllib3

        address = self._network.addresses(proxy.host, proxy.port)[0]
        login = {"Proxy-Authorization": basic(proxy.user, proxy.password)} if proxy.user else {}
        host = f"[{address}]" if ":" in address else address
        return urllib3.ProxyManager(f"http://{host}:{proxy.port}", proxy_headers=login, **options)

    def _unreachable(self, place: Address, error: BaseException) -> UnreachableError:
        if isinstance(error, UnreachableError):
            return error
        if self.deadline.over():
            return self._timeout_error()
        answer, words = _classify(error)
        return UnreachableError(answer, f"{place.authority}: {words}")


def _connect_errors() -> tuple[type[Exception], ...]:
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    return (NewConnectionError, ConnectTimeoutError)


def _read_body(
    raw: Any, check: Callable[[], None], limit: int, into: Callable[[bytes], object] | None, *, cut: bool
) -> bytes:
    """Read a body up to a limit in bytes. A longer one is truncated if ``cut``, else it raises UnreachableError(TOO_LARGE)."""
    pieces: list[bytes] = []
    append = into or pieces.append
    size = 0
    for piece in _decompressed_pieces(raw, check):
        size += len(piece)
        if size > limit:
            if cut:
                break
            raise UnreachableError(Answer.TOO_LARGE, f"the answer is larger than {limit / MIB:.0f} MiB")
        append(piece)
    return b"".join(pieces)


def _decompressed_pieces(raw: Any, check: Callable[[], None]) -> Iterator[bytes]:
    """Yield a body in decompressed pieces of a bounded size, so that a zip bomb never fills the memory."""
    is_gzip = raw.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip")
    inflate = zlib.decompressobj(wbits=31) if is_gzip else None
    # read1 returns the data of one packet, so that a slow server cannot delay the check of the deadline.
    while chunk := raw.read1(_CHUNK, decode_content=False):
        check()
        while inflate and chunk:
            yield inflate.decompress(chunk, _CHUNK)
            check()
            chunk = inflate.unconsumed_tail
        if not inflate:
            yield chunk
    if inflate and not inflate.eof and raw.status == _OK:
        raise UnreachableError(Answer.MALFORMED, "the answer is not valid gzip, or it is truncated")


def _classify(error: BaseException) -> tuple[Answer, str]:
    """Return the class and the text of an error. The texts are our own: those of libraries may quote credentials."""
    from urllib3 import exceptions

    causes = tuple(_error_chain(error))
    for cause in causes:
        if isinstance(cause, exceptions.ProxyError):
            return Answer.PROXY, "the proxy does not answer or rejects the request"
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _classify_tls(cause)
    classes: tuple[tuple[tuple[type[BaseException], ...], Answer, str], ...] = (
        ((ConnectionRefusedError,), Answer.REFUSED, "connection refused"),
        ((exceptions.ReadTimeoutError, TimeoutError), Answer.TIMEOUT, "no answer in time"),
        ((exceptions.NewConnectionError,), Answer.REFUSED, "no connection"),  # a subclass of ConnectTimeoutError
        ((exceptions.ConnectTimeoutError,), Answer.TIMEOUT, "no answer in time"),
        ((zlib.error, exceptions.DecodeError), Answer.MALFORMED, "the answer is not valid gzip"),
        ((exceptions.IncompleteRead, ConnectionError, http.client.RemoteDisconnected), Answer.REFUSED, _CONNECTION_CUT),
        ((http.client.HTTPException, exceptions.InvalidChunkLength), Answer.MALFORMED, "the answer is not HTTP"),
        ((OSError, exceptions.ProtocolError), Answer.REFUSED, "no connection"),
    )
    for kinds, answer, words in classes:
        if any(isinstance(cause, kinds) for cause in causes):
            return answer, words
    return Answer.UNKNOWN, f"no answer ({type(error).__name__})"


def _classify_tls(error: ssl.SSLError) -> tuple[Answer, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return tls_answer(error), f"the certificate is not accepted: {error.verify_message}"
    reason = error.reason or ""
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Answer.TLS, _CONNECTION_CUT
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return Answer.TLS, "the server uses plain http, but the request used https"
    if "CERTIFICATE_REQUIRED" in reason or "BAD_CERTIFICATE" in reason:
        return Answer.TLS, "the server requires a client certificate that it accepts"
    words = reason.lower().replace("_", " ")
    return Answer.TLS, f"the TLS handshake failed{f': {words}' if words else ''}"


def _error_chain(error: BaseException) -> Iterator[BaseException]:
    visited: set[int] = set()
    pending: list[Any] = [error]
    while pending:
        current = pending.pop(0)
        if isinstance(current, BaseException) and id(current) not in visited:
            visited.add(id(current))
            yield current
            pending += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]

"""Requests to the Kubernetes API: paged, compressed, limited in size, retried from one budget, never endless."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fluxdoctor.collect.kube.login import ClusterConnection
from fluxdoctor.collect.net.deadline import Deadline, DeadlineError
from fluxdoctor.model.gaps import GapReason

PAGE = 500
_MOST = 80 * 1024 * 1024
_CHUNK = 1 << 18
_READ = 20.0
_WAITS = (0.25, 0.5, 1.0, 2.0)
_GONE = 410
#: The words of Kubernetes' RBAC authorizer (1.20 to 1.36).
_CANNOT = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "[^"]*" in API group "[^"]*" '
    r'(?:in the namespace "(?P<space>[^"]*)"|at the cluster scope)'
)
_PASSING = frozenset((429, 500, 502, 503, 504))
_REASONS = {401: GapReason.UNAUTHORIZED, 403: GapReason.FORBIDDEN}


class ApiError(Exception):
    """A request that failed. ``status``: the HTTP status, 0 without one; the text is the reason in a few words.

    ``after``: the seconds of Retry-After, which API priority and fairness sends with a 429.
    """

    def __init__(
        self, status: int, why: str, body: Any = None, after: float | None = None, reason: GapReason | None = None
    ) -> None:
        super().__init__(why)
        self.status, self.why, self.body, self.after = status, why, body, after
        self.reason = reason or _REASONS.get(status, GapReason.UNAVAILABLE)
        """Why what was asked for is unknown."""

    @property
    def absent(self) -> bool:
        """What was asked for is not there."""
        return self.status == 404  # noqa: PLR2004 - HTTP

    @property
    def denied(self) -> bool:
        """The user may not ask."""
        return self.status in (401, 403)


@dataclass(slots=True)
class Budget:
    """Retries are for passing faults: one number for the whole run, so that a sick API server is not hammered."""

    left: int = 12
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        """Take one retry; False when none is left."""
        with self._lock:
            self.left -= 1
            return self.left >= 0


class Api:
    """One API server. Every method may raise ApiError, also for a deadline that is over."""

    def __init__(self, connection: ClusterConnection, deadline: Deadline, budget: Budget | None = None) -> None:
        """Send nothing yet."""
        self._connection = connection
        self.deadline = deadline
        self._budget = budget or Budget()

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = "application/json") -> Any:
        """Return the JSON that a path answers with."""
        target = f"{path}?{urlencode(query)}" if query else path
        waits = iter(_WAITS)
        while True:
            try:
                return self._once(target, accept)
            except ApiError as error:
                wait = next(waits, None)
                passing = error.status in (0, *_PASSING) and not self.deadline.over()
                if wait is None or not passing or not self._budget.take():
                    raise
                self._pause(wait if error.after is None else error.after, error)

    def send(self, method: str, path: str, body: Any, query: Mapping[str, str], kind: str = "application/json") -> Any:
        """Send JSON once, never again: whether it was taken is not known where no answer comes. Return the answer."""
        import orjson

        return self._once(f"{path}?{urlencode(query)}", "application/json", method, orjson.dumps(body), kind)

    def _pause(self, seconds: float, error: ApiError) -> None:
        if seconds >= self.deadline.left():
            raise error
        try:
            self.deadline.sleep(seconds)
        except DeadlineError:
            raise error from None

    def items(
        self, path: str, into: list[Any], query: Mapping[str, str] | None = None, *, accept: str = "application/json"
    ) -> Iterator[int]:
        """Add the objects of a list to ``into``, and yield how many there are after each page.

        Raises ApiError when a page cannot be had: those before it stay. A list that expires between two pages (410) goes on
        with the token that the answer offers, else begins anew, once (Kubernetes API concepts, "410 Gone").
        """
        limit, token, again, begin = PAGE, "", True, len(into)
        while True:
            asked = {**(query or {}), "limit": str(limit), **({"continue": token} if token else {})}
            try:
                page = self.get(path, asked, accept=accept)
            except ResponseTooLargeError:
                if limit < PAGE:
                    raise
                limit //= 10
                continue
            except ApiError as error:
                if error.status != _GONE or not again or not token:
                    raise
                token, again = _fresh_token(error), False
                if not token:
                    del into[begin:]
                continue
            found = page.get("items") if isinstance(page, dict) else None
            if not isinstance(found, list):
                raise ApiError(0, "the answer is not a list of objects", reason=GapReason.MALFORMED)
            into += [item for item in found if isinstance(item, dict)]
            yield len(into) - begin
            meta = page.get("metadata")
            token = meta.get("continue", "") if isinstance(meta, dict) else ""
            if not token:
                return

    def _once(self, target: str, accept: str, method: str = "GET", sent: bytes | None = None, kind: str = "") -> Any:
        import urllib3
        from urllib3.exceptions import HTTPError

        left = self.deadline.left()
        if left <= 0:
            why = "called off" if self.deadline.cancelled else "the time for this run was over"
            raise ApiError(0, why, reason=GapReason.TIMEOUT)
        headers = urllib3.HTTPHeaderDict([*self._connection.headers(), ("Accept", accept), ("Accept-Encoding", "gzip")])
        if kind:
            headers.add("Content-Type", kind)
        try:
            response = self._connection.pool.request(
                method, self._connection.host + target, headers=headers, body=sent, preload_content=False,
                redirect=False, retries=False,
                timeout=urllib3.Timeout(connect=min(5.0, left), read=min(_READ, left)),
            )  # fmt: skip
        except (HTTPError, OSError, ValueError) as error:
            raise self._failed(error) from None
        try:
            data = self._body(response)
        except (HTTPError, OSError, ValueError) as error:
            raise self._failed(error) from None
        finally:
            response.close()  # one that was read to its end has given its connection back already
        return _answer(response, data)

    def _failed(self, error: BaseException) -> ApiError:
        import urllib3

        is_timeout = any(isinstance(one, TimeoutError | urllib3.exceptions.TimeoutError) for one in _chain(error))
        reason = GapReason.TIMEOUT if is_timeout or self.deadline.cancelled else GapReason.UNAVAILABLE
        return ApiError(0, "called off" if self.deadline.cancelled else words(error), reason=reason)

    def _body(self, response: Any) -> bytes:
        chunks: list[bytes] = []
        size = 0
        # read1 returns what one packet brought, so that a server that drips is not waited for past the deadline.
        while chunk := response.read1(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > _MOST:
                raise ResponseTooLargeError
            chunks.append(chunk)
            if self.deadline.over():
                raise ApiError(0, "the time for this run was over", reason=GapReason.TIMEOUT)
        return b"".join(chunks)


class ResponseTooLargeError(ApiError):
    """An answer that is larger than any honest page."""

    def __init__(self) -> None:
        super().__init__(-1, f"the answer is larger than {_MOST >> 20} MiB", reason=GapReason.TOO_LARGE)


def _answer(response: Any, data: bytes) -> Any:
    import orjson

    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        if response.status < 400:  # noqa: PLR2004 - HTTP
            why = "the answer is not JSON: it is damaged or cut short"
            raise ApiError(0, why, reason=GapReason.MALFORMED) from None
        body = None
    if response.status < 300:  # noqa: PLR2004 - HTTP
        return body
    after = _seconds(response.headers.get("Retry-After"))
    raise ApiError(response.status, _reason(response.status, body), body, after)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def _reason(status: int, body: Any) -> str:
    message = body.get("message") if isinstance(body, dict) else None
    said = f": {' '.join(message.split())[:300]}" if isinstance(message, str) and message else ""
    names = {401: "unauthorized", 403: "forbidden", 404: "not found", 410: "expired", 429: "too many requests"}
    name = names.get(status, "server error" if status >= 500 else f"HTTP {status}")  # noqa: PLR2004 - HTTP
    if status == 403 and (found := _CANNOT.search(said)):  # noqa: PLR2004 - HTTP
        # Without the object and its kind, so that one reason holds for them all.
        space = found["space"]
        return (
            f"forbidden: {found['user']} may not {found['verb']} it {f'in {space}' if space else 'in all namespaces'}"
        )
    return f"{name}{said}"


def _fresh_token(error: ApiError) -> str:
    meta = error.body.get("metadata") if isinstance(error.body, dict) else None
    token = meta.get("continue") if isinstance(meta, dict) else None
    return token if isinstance(token, str) else ""


def words(error: BaseException) -> str:
    """Say in a few words why no answer came, without addresses of objects and nothing that a header held."""
    chain = tuple(_chain(error))
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"TLS: {one.verify_message}"
    for kinds, said in _said():
        if any(isinstance(one, kinds) for one in chain):
            return said
    return f"no answer ({type(error).__name__})"


def _said() -> tuple[tuple[tuple[type[BaseException], ...], str], ...]:
    from urllib3 import exceptions

    return (
        ((exceptions.NameResolutionError, socket.gaierror), "the name of the API server does not resolve"),
        ((ConnectionRefusedError,), "connection refused"),
        ((exceptions.ReadTimeoutError,), "timed out"),
        ((exceptions.ConnectTimeoutError,), "timed out while connecting"),
        ((TimeoutError,), "timed out"),
        ((exceptions.ProxyError,), "the proxy does not answer"),
        ((exceptions.IncompleteRead, ConnectionError), "the connection was cut"),
        ((exceptions.DecodeError,), "the answer is not what its encoding says"),
        ((ssl.SSLError,), "the TLS handshake failed"),
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        reason = getattr(one, "reason", None)
        todo += [one.__cause__, one.__context__, reason if isinstance(reason, BaseException) else None]
        todo += [a for a in one.args if isinstance(a, BaseException)]

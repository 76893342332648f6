"""Sends requests to the Kubernetes API: paged, compressed, limited in size and time, with one budget of retries per run."""

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
from fluxdoctor.intake.credentials import redacted
from fluxdoctor.model.gaps import GapReason

PAGE = 500
_MAX_BYTES = 80 * 1024 * 1024
#: Bytes of all pages of one list: 25,000 objects of 10 KiB.
_MAX_LIST = 256 * 1024 * 1024
_CHUNK = 1 << 18
_READ_TIMEOUT = 20.0
_RETRY_DELAYS = (0.25, 0.5, 1.0, 2.0)
_GONE = 410
_MAX_MESSAGE = 100_000
#: The message of Kubernetes' RBAC authorizer (1.20 to 1.36).
_RBAC_REFUSAL = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "[^"]*" in API group "[^"]*" '
    r'(?:in the namespace "(?P<space>[^"]*)"|at the cluster scope)'
)
_TRANSIENT = frozenset((429, 500, 502, 503, 504))
_REASONS = {401: GapReason.UNAUTHORIZED, 403: GapReason.FORBIDDEN}


class ApiError(Exception):
    """A request failed. ``status``: the HTTP status, 0 without an answer; the text is a short reason.

    ``after``: the seconds of Retry-After, which API priority and fairness sends with a 429.
    """

    def __init__(
        self, status: int, why: str, body: Any = None, after: float | None = None, reason: GapReason | None = None
    ) -> None:
        why = redacted(why)
        super().__init__(why)
        self.status, self.why, self.body, self.after = status, why, body, after
        self.reason = reason or _REASONS.get(status, GapReason.UNAVAILABLE)
        """Why the requested objects are unknown."""

    @property
    def is_not_found(self) -> bool:
        """Whether the requested object does not exist."""
        return self.status == 404  # noqa: PLR2004 - HTTP

    @property
    def is_access_denied(self) -> bool:
        """Whether the API server denies access."""
        return self.status in (401, 403)


@dataclass(slots=True)
class Budget:
    """The retries of a whole run, for transient failures: an overloaded API server does not get more requests from each list."""

    remaining: int = 12
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        """Take one retry; return False if there are no more."""
        with self._lock:
            self.remaining -= 1
            return self.remaining >= 0


class Api:
    """One API server. Every method can raise ApiError, also if the deadline is over."""

    def __init__(self, connection: ClusterConnection, deadline: Deadline, budget: Budget | None = None) -> None:
        """Create the client; this sends no request."""
        self._connection = connection
        self.deadline = deadline
        self._budget = budget or Budget()

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = "application/json") -> Any:
        """Return the JSON of a path. Retries transient failures."""
        return self._get(path, query, accept)[0]

    def _get(self, path: str, query: Mapping[str, str] | None, accept: str) -> tuple[Any, int]:
        """Return the JSON of a path, and its size in bytes."""
        target = f"{path}?{urlencode(query)}" if query else path
        delays = iter(_RETRY_DELAYS)
        while True:
            try:
                return self._send_once(target, accept)
            except ApiError as error:
                delay = next(delays, None)
                is_transient = error.status in (0, *_TRANSIENT) and not self.deadline.over()
                if delay is None or not is_transient or not self._budget.take():
                    raise
                self._pause(delay if error.after is None else error.after, error)

    def send(
        self, method: str, path: str, body: Any, query: Mapping[str, str], content_type: str = "application/json"
    ) -> Any:
        """Send JSON and return the answer. Never retries, because without an answer it is unknown whether the change was made."""
        import orjson

        target = f"{path}?{urlencode(query)}"
        return self._send_once(target, "application/json", method, orjson.dumps(body), content_type)[0]

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
        """Add the objects of a list to ``into``, and yield their number after each page.

        Raises ApiError if a page fails; the earlier pages stay in ``into``. A list that expires between two pages (410)
        continues once with the token of that answer, else it restarts (Kubernetes API concepts, "410 Gone").
        """
        limit, token, can_restart, start, size = PAGE, "", True, len(into), 0
        while True:
            page_query = {**(query or {}), "limit": str(limit), **({"continue": token} if token else {})}
            try:
                page, page_size = self._get(path, page_query, accept)
            except ResponseTooLargeError:
                if limit < PAGE:
                    raise
                limit //= 10
                continue
            except ApiError as error:
                if error.status != _GONE or not can_restart or not token:
                    raise
                token, can_restart = _fresh_token(error), False
                if not token:
                    del into[start:]
                continue
            size += page_size
            if size > _MAX_LIST:
                raise ApiError(0, f"its list is larger than {_MAX_LIST >> 20} MiB", reason=GapReason.TOO_LARGE)
            rows = page.get("items") if isinstance(page, dict) else None
            if not isinstance(rows, list):
                raise ApiError(0, "the answer is not a list of objects", reason=GapReason.MALFORMED)
            into += [item for item in rows if isinstance(item, dict)]
            yield len(into) - start
            meta = page.get("metadata")
            more = meta.get("continue") if isinstance(meta, dict) else None
            if not isinstance(more, str) or not more:
                return
            token = more

    def _send_once(
        self, target: str, accept: str, method: str = "GET", request_body: bytes | None = None, content_type: str = ""
    ) -> tuple[Any, int]:
        import urllib3
        from urllib3.exceptions import HTTPError

        seconds_left = self.deadline.left()
        if seconds_left <= 0:
            why = "cancelled" if self.deadline.cancelled else "the run timed out"
            raise ApiError(0, why, reason=GapReason.TIMEOUT)
        headers = urllib3.HTTPHeaderDict([*self._connection.headers(), ("Accept", accept), ("Accept-Encoding", "gzip")])
        if content_type:
            headers.add("Content-Type", content_type)
        try:
            response = self._connection.pool.request(
                method, self._connection.host + target, headers=headers, body=request_body, preload_content=False,
                redirect=False, retries=False,
                timeout=urllib3.Timeout(connect=min(5.0, seconds_left), read=min(_READ_TIMEOUT, seconds_left)),
            )  # fmt: skip
        except (HTTPError, OSError, ValueError) as error:
            raise self._error(error) from None
        try:
            data = self._body(response)
        except (HTTPError, OSError, ValueError) as error:
            raise self._error(error) from None
        finally:
            response.close()  # a fully read response has returned its connection to the pool already
        return _decode(response, data), len(data)

    def _error(self, error: BaseException) -> ApiError:
        import urllib3

        is_timeout = any(isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in _causes(error))
        reason = GapReason.TIMEOUT if is_timeout or self.deadline.cancelled else GapReason.UNAVAILABLE
        return ApiError(0, "cancelled" if self.deadline.cancelled else error_text(error), reason=reason)

    def _body(self, response: Any) -> bytes:
        chunks: list[bytes] = []
        size = 0
        # read1 returns after one packet, so that a slow server cannot delay the check of the deadline.
        while chunk := response.read1(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > _MAX_BYTES:
                raise ResponseTooLargeError
            chunks.append(chunk)
            if self.deadline.over():
                raise ApiError(0, "the run timed out", reason=GapReason.TIMEOUT)
        return b"".join(chunks)


class ResponseTooLargeError(ApiError):
    """An answer is larger than a page can reasonably be."""

    def __init__(self) -> None:
        super().__init__(-1, f"the answer is larger than {_MAX_BYTES >> 20} MiB", reason=GapReason.TOO_LARGE)


def _decode(response: Any, data: bytes) -> Any:
    import orjson

    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        if response.status < 400:  # noqa: PLR2004 - HTTP
            why = "the answer is not valid JSON: it is damaged or truncated"
            raise ApiError(0, why, reason=GapReason.MALFORMED) from None
        body = None
    if response.status < 300:  # noqa: PLR2004 - HTTP
        return body
    retry_after = _retry_after_seconds(response.headers.get("Retry-After"))
    raise ApiError(response.status, _failure_text(response.status, body), body, retry_after)


def _retry_after_seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def _failure_text(status: int, body: Any) -> str:
    message = body.get("message") if isinstance(body, dict) else None
    # Before it is cut: a part of a token would not be known as one.
    detail = (
        f": {' '.join(redacted(message[:_MAX_MESSAGE]).split())[:300]}" if isinstance(message, str) and message else ""
    )
    names = {401: "unauthorized", 403: "forbidden", 404: "not found", 410: "expired", 429: "too many requests"}
    name = names.get(status, "server error" if status >= 500 else f"HTTP {status}")  # noqa: PLR2004 - HTTP
    if status == 403 and (refusal := _RBAC_REFUSAL.search(detail)):  # noqa: PLR2004 - HTTP
        # Without the object and its kind, so that all gaps of one refusal have the same text.
        namespace = refusal["space"]
        return f"forbidden: {refusal['user']} cannot {refusal['verb']} it in {namespace or 'all namespaces'}"
    return f"{name}{detail}"


def _fresh_token(error: ApiError) -> str:
    meta = error.body.get("metadata") if isinstance(error.body, dict) else None
    token = meta.get("continue") if isinstance(meta, dict) else None
    return token if isinstance(token, str) else ""


def error_text(error: BaseException) -> str:
    """Return a short reason why there is no answer, without addresses of objects and without any header."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"TLS: {cause.verify_message}"
    for types, text in _error_texts():
        if any(isinstance(cause, types) for cause in causes):
            return text
    return f"no answer ({type(error).__name__})"


def _error_texts() -> tuple[tuple[tuple[type[BaseException], ...], str], ...]:
    from urllib3 import exceptions

    return (
        ((exceptions.NameResolutionError, socket.gaierror), "the name of the API server does not resolve"),
        ((ConnectionRefusedError,), "connection refused"),
        ((exceptions.ReadTimeoutError,), "timed out"),
        ((exceptions.ConnectTimeoutError,), "timed out while connecting"),
        ((TimeoutError,), "timed out"),
        ((exceptions.ProxyError,), "the proxy does not answer"),
        ((exceptions.IncompleteRead, ConnectionError), "the connection was cut"),
        ((exceptions.DecodeError,), "the answer does not match its content encoding"),
        ((ssl.SSLError,), "the TLS handshake failed"),
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    visited: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        cause = pending.pop(0)
        if cause is None or id(cause) in visited:
            continue
        visited.add(id(cause))
        yield cause
        reason = getattr(cause, "reason", None)
        pending += [cause.__cause__, cause.__context__, reason if isinstance(reason, BaseException) else None]
        pending += [a for a in cause.args if isinstance(a, BaseException)]

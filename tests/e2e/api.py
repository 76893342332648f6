"""A small raw client of the Kubernetes API, quick enough to load a fleet: urllib3 and JSON, a few connections at once."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import urllib3

Body = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")

CONNECTIONS = 8
_PAGE = 500
_NOT_FOUND = 404
_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_MERGE = "application/merge-patch+json"


class ApiError(Exception):
    """The API server refused a request; the text is its own message."""

    def __init__(self, method: str, path: str, code: int, message: str) -> None:
        super().__init__(f"{method} {path}: {code} {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Served:
    """How a kind is served: its path below a namespace or at the root, and whether its status is a resource of its own."""

    prefix: str
    plural: str
    namespaced: bool
    has_status: bool

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of a collection, or of one object."""
        where = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        parts = [p for p in (name and quote(name, safe=""), subresource) if p]
        return "/".join([f"{self.prefix}{where}/{self.plural}", *parts])


@dataclass(slots=True)
class Api:
    """One user's view of the API server."""

    server: str
    ca: Path
    token: str = field(repr=False)
    seconds: float = 60  # the deadline of each request
    _http: urllib3.PoolManager = field(init=False, repr=False)
    _kinds: dict[str, dict[str, Served]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Open the pool of connections."""
        self._http = urllib3.PoolManager(
            maxsize=CONNECTIONS,
            ssl_context=ssl.create_default_context(cafile=str(self.ca)),
            headers={"Authorization": f"Bearer {self.token}", "Accept": _JSON, "User-Agent": "fluxdoctor-e2e"},
            timeout=urllib3.Timeout(total=self.seconds),
            retries=False,
        )

    def open(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request and return the answer as it is, whatever its code, its body not yet read."""
        target = f"{self.server}{path}" + (f"?{urlencode(query)}" if query else "")
        sent = {**self._http.headers, "Content-Type": _JSON, **(headers or {})}
        return self._http.request(method, target, body=body, headers=sent, preload_content=False)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request and return the answer as it is, read in full, whatever its code."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.open(method, path, body=data, query=query, headers=headers)
        _ = answer.data  # read, and the connection given back to the pool
        return answer

    def call(self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None) -> Body:
        """Send one request and return its JSON answer; a PATCH is a merge patch. Raises ApiError where it is refused."""
        return self._call(method, path, body, query, _MERGE if method == "PATCH" else _JSON)

    def apply(self, path: str, body: Body, query: Mapping[str, str]) -> Body:
        """Apply an object on the server's side, under the field manager that the query names. Raises ApiError."""
        return self._call("PATCH", path, body, query, _APPLY)

    def _call(self, method: str, path: str, body: Any, query: Mapping[str, str] | None, kind: str) -> Body:
        answer = self.request(method, path, body, query=query, headers={"Content-Type": kind})
        if answer.status >= 400:
            raise ApiError(method, path, answer.status, _message(answer.data))
        found: Body = json.loads(answer.data)
        return found

    def listed(self, path: str, *, limit: int = _PAGE, query: Mapping[str, str] | None = None) -> Iterator[Body]:
        """Yield every object of a collection, page by page."""
        token = ""
        while True:
            asked = {**(query or {}), "limit": str(limit), **({"continue": token} if token else {})}
            page = self.call("GET", path, query=asked)
            yield from page["items"]
            token = page["metadata"].get("continue", "")
            if not token:
                return

    def served(self, api_version: str, kind: str) -> Served | None:
        """Return how a kind is served, None where it is not."""
        if api_version not in self._kinds:
            self._kinds[api_version] = self._discover(api_version)
        return self._kinds[api_version].get(kind)

    def forget_kinds(self) -> None:
        """Ask again which kinds are served: CustomResourceDefinitions came or went."""
        self._kinds.clear()

    def _discover(self, api_version: str) -> dict[str, Served]:
        prefix = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            resources = self.call("GET", prefix)["resources"]
        except ApiError as error:
            if error.code == _NOT_FOUND:
                return {}
            raise
        names = {r["name"] for r in resources}
        return {
            r["kind"]: Served(prefix, r["name"], r["namespaced"], f"{r['name']}/status" in names)
            for r in resources
            if "/" not in r["name"]
        }


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data[:300].decode("utf-8", "replace")


def in_bulk(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Do the same to many items over a few connections at once; the answers are in the order of the items."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(work, items))

"""Sends single HTTP requests to a pinned address: for the target of a redirect and the token of a GitHub App.

The client of the other sources (collect.net.http) follows redirects and only reads; this one does not follow them.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import urllib3
from urllib3.exceptions import HTTPError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as WaitError

from fluxdoctor.collect.git.route import Route
from fluxdoctor.collect.git.workspace import proxy_url
from fluxdoctor.collect.net.addresses import UnreachableError, tls_answer
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.net.sockets import shut, track
from fluxdoctor.model.probes import Answer

CONNECT = 5.0
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """The status, the content type, the location ("" without a redirect), and at most one MiB of the body."""

    status: int
    type: str
    location: str
    body: bytes


@contextlib.contextmanager
def closed_at(deadline: Deadline, close: Callable[[], object]) -> Iterator[None]:
    """Call ``close`` when the time is over or the run is cancelled: a slow server resets the timeout of each read."""
    timer = threading.Timer(deadline.left(), close)
    timer.daemon = True
    timer.start()
    try:
        with deadline.on_cancel(close):
            yield
    finally:
        timer.cancel()


def context(route: Route) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and those of the Secret, with its client certificate, as git does."""
    tls = ssl.create_default_context(cafile=route.files.get("sslCAInfo"))
    if certificate := route.files.get("sslCert"):
        tls.load_cert_chain(certificate, route.files.get("sslKey"), password="")
    return tls


def request(route: Route, method: str, path: str, headers: Mapping[str, str], deadline: Deadline) -> Reply:
    """Send one request without following redirects. Raises UnreachableError, whose text contains nothing that was sent."""
    deadline.check()
    remote = replace(route.remote, path=path)
    request_headers = {"Host": remote.netloc, "User-Agent": "fluxdoctor", "Accept-Encoding": "identity", **headers}
    timeout = urllib3.Timeout(connect=min(CONNECT, deadline.left()), read=max(0.1, deadline.left()))
    manager = _manager(route)
    connections = track(manager)
    try:
        with closed_at(deadline, lambda: shut(connections)):
            reply = _connection_pool(manager, route).urlopen(
                method, remote.url if route.login.proxy else path, headers=request_headers, retries=False, redirect=False,
                timeout=timeout, preload_content=False, assert_same_host=False,
            )  # fmt: skip
            try:
                content_type, location = (reply.headers.get(name, "") for name in ("Content-Type", "Location"))
                return Reply(reply.status, content_type, location, reply.read(_MAX_BYTES))
            finally:
                reply.close()
    except (HTTPError, OSError, ValueError) as error:
        raise _error(error, remote.netloc, deadline) from None
    finally:
        manager.clear()


def _error(error: Exception, netloc: str, deadline: Deadline) -> UnreachableError:
    if isinstance(error, SSLError):
        cause = next((e for e in error.args if isinstance(e, ssl.SSLError)), None)
        return UnreachableError(tls_answer(cause) if cause else Answer.TLS, f"the TLS handshake with {netloc} failed")
    if isinstance(error, ProxyError):
        return UnreachableError(Answer.PROXY, "the proxy does not answer")
    if isinstance(error, WaitError) or deadline.over():
        return UnreachableError(Answer.TIMEOUT, f"{netloc} did not answer in time")
    return UnreachableError(Answer.REFUSED, f"cannot connect to {netloc}")


def _manager(route: Route) -> urllib3.PoolManager:
    tls = context(route) if route.remote.scheme == "https" else None
    if proxy := route.login.proxy:
        if proxy.scheme == "socks5":
            raise UnreachableError(Answer.UNKNOWN, "requests through a SOCKS proxy are not supported")
        login = f"{proxy.username}:{proxy.password}"
        headers = urllib3.make_headers(proxy_basic_auth=login) if proxy.username else None
        proxy_address = proxy_url(replace(proxy, username="", password=""))
        return urllib3.ProxyManager(proxy_address, proxy_headers=headers, ssl_context=tls)
    return urllib3.PoolManager(ssl_context=tls)


def _connection_pool(manager: urllib3.PoolManager, route: Route) -> urllib3.PoolManager | urllib3.HTTPConnectionPool:
    """Return a pool for the address that was checked; the certificate is verified for the name."""
    if route.login.proxy:
        return manager
    tls_options = {"server_hostname": route.remote.host} if route.remote.scheme == "https" else {}
    return manager.connection_from_host(route.addresses[0], route.remote.port, route.remote.scheme, tls_options)

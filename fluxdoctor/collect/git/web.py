"""One HTTP request of our own, to a pinned address: where a redirect leads, and the token of a GitHub App.

The client of the other sources (collect.http) follows redirects and only reads; git's are asked about and not followed.
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

from fluxdoctor.collect.git.way import Way
from fluxdoctor.collect.git.workspace import proxy_url
from fluxdoctor.collect.net.addresses import UnreachableError, tls_answer
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.net.sockets import shut, track
from fluxdoctor.model.probes import Answer

CONNECT = 5.0
_MOST = 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """The status, the content type, where it sends us ("" for nowhere), and up to a megabyte of the body."""

    status: int
    type: str
    location: str
    body: bytes


@contextlib.contextmanager
def ended(deadline: Deadline, end: Callable[[], object]) -> Iterator[None]:
    """End a connection when the time is over or the run is called off: a server that drips resets the limit of each read."""
    timer = threading.Timer(deadline.left(), end)
    timer.daemon = True
    timer.start()
    try:
        with deadline.on_cancel(end):
            yield
    finally:
        timer.cancel()


def context(way: Way) -> ssl.SSLContext:
    """Trust the machine's authorities and those of the Secret, and show its certificate: as git does."""
    made = ssl.create_default_context(cafile=way.files.get("sslCAInfo"))
    if certificate := way.files.get("sslCert"):
        made.load_cert_chain(certificate, way.files.get("sslKey"), password="")
    return made


def ask(way: Way, method: str, path: str, headers: Mapping[str, str], deadline: Deadline) -> Reply:
    """Ask once, follow nothing. Raises UnreachableError, whose text holds nothing that was sent."""
    deadline.check()
    remote = replace(way.remote, path=path)
    sent = {"Host": remote.netloc, "User-Agent": "fluxdoctor", "Accept-Encoding": "identity", **headers}
    wait = urllib3.Timeout(connect=min(CONNECT, deadline.left()), read=max(0.1, deadline.left()))
    manager = _manager(way)
    connections = track(manager)
    try:
        with ended(deadline, lambda: shut(connections)):
            reply = _open(manager, way).urlopen(
                method, remote.url if way.login.proxy else path, headers=sent, retries=False, redirect=False,
                timeout=wait, preload_content=False, assert_same_host=False,
            )  # fmt: skip
            try:
                named = reply.headers
                return Reply(reply.status, named.get("Content-Type", ""), named.get("Location", ""), reply.read(_MOST))
            finally:
                reply.close()
    except (HTTPError, OSError, ValueError) as error:
        raise _fault(error, remote.netloc, deadline) from None
    finally:
        manager.clear()


def _fault(error: Exception, netloc: str, deadline: Deadline) -> UnreachableError:
    if isinstance(error, SSLError):
        cause = next((e for e in error.args if isinstance(e, ssl.SSLError)), None)
        return UnreachableError(tls_answer(cause) if cause else Answer.TLS, f"no TLS with {netloc}")
    if isinstance(error, ProxyError):
        return UnreachableError(Answer.PROXY, "the proxy does not answer")
    if isinstance(error, WaitError) or deadline.over():
        return UnreachableError(Answer.TIMEOUT, f"{netloc} did not answer in time")
    return UnreachableError(Answer.REFUSED, f"no connection to {netloc}")


def _manager(way: Way) -> urllib3.PoolManager:
    secure = context(way) if way.remote.scheme == "https" else None
    if proxy := way.login.proxy:
        if proxy.scheme == "socks5":
            raise UnreachableError(Answer.UNKNOWN, "not asked through a socks proxy")
        login = f"{proxy.username}:{proxy.password}"
        headers = urllib3.make_headers(proxy_basic_auth=login) if proxy.username else None
        plain = proxy_url(replace(proxy, username="", password=""))
        return urllib3.ProxyManager(plain, proxy_headers=headers, ssl_context=secure)
    return urllib3.PoolManager(ssl_context=secure)


def _open(manager: urllib3.PoolManager, way: Way) -> urllib3.PoolManager | urllib3.HTTPConnectionPool:
    """Connect to the address that was looked at, and check the certificate for the name."""
    if way.login.proxy:
        return manager
    named = {"server_hostname": way.remote.host} if way.remote.scheme == "https" else {}
    return manager.connection_from_host(way.addresses[0], way.remote.port, way.remote.scheme, named)

"""One HTTP request of our own, to a pinned address: where a redirect leads, and the token of a GitHub App."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace

import urllib3
from urllib3.exceptions import HTTPError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as WaitError

from fluxdoctor.collect.deadline import Deadline
from fluxdoctor.collect.git.way import Way
from fluxdoctor.collect.git.workspace import proxy_url
from fluxdoctor.collect.reach import UnreachableError, tls_answer
from fluxdoctor.model.facts import Answer

_MOST = 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """The status, the content type, where it sends us ("" for nowhere), and up to a megabyte of the body."""

    status: int
    type: str
    location: str
    body: bytes


def context(way: Way) -> ssl.SSLContext:
    """Trust the machine's authorities and those of the Secret, and show its certificate: as git does."""
    made = ssl.create_default_context(cafile=way.files.get("sslCAInfo"))
    if certificate := way.files.get("sslCert"):
        made.load_cert_chain(certificate, way.files.get("sslKey"), password="")
    return made


def ask(way: Way, method: str, path: str, headers: Mapping[str, str], deadline: Deadline) -> Reply:
    """Ask once, follow nothing. Raises UnreachableError, whose text holds nothing that was sent."""
    remote = replace(way.remote, path=path)
    seconds = max(0.1, deadline.left())
    sent = {"Host": remote.netloc, "User-Agent": "fluxdoctor", "Accept-Encoding": "identity", **headers}
    try:
        reply = _pool(way).urlopen(
            method, remote.url if way.login.proxy else path, headers=sent, retries=False, redirect=False,
            timeout=urllib3.Timeout(total=seconds), preload_content=False, assert_same_host=False,
        )  # fmt: skip
        try:
            headers = reply.headers
            return Reply(reply.status, headers.get("Content-Type", ""), headers.get("Location", ""), reply.read(_MOST))
        finally:
            reply.close()
    except SSLError as error:
        cause = next((e for e in error.args if isinstance(e, ssl.SSLError)), None)
        raise UnreachableError(tls_answer(cause) if cause else Answer.TLS, f"no TLS with {remote.netloc}") from None
    except ProxyError:
        raise UnreachableError(Answer.PROXY, "the proxy does not answer") from None
    except WaitError:
        raise UnreachableError(Answer.TIMEOUT, f"{remote.netloc} did not answer in time") from None
    except (HTTPError, OSError, ValueError):
        raise UnreachableError(Answer.REFUSED, f"no connection to {remote.netloc}") from None


def _pool(way: Way) -> urllib3.HTTPConnectionPool | urllib3.ProxyManager:
    remote, login, addresses = way.remote, way.login, way.addresses
    secure = context(way) if remote.scheme == "https" else None
    if proxy := login.proxy:
        if proxy.scheme == "socks5":
            raise UnreachableError(Answer.UNKNOWN, "not asked through a socks proxy")
        plain = proxy_url(type(proxy)(proxy.scheme, proxy.host, proxy.port))
        headers = (
            urllib3.make_headers(proxy_basic_auth=f"{proxy.username}:{proxy.password}") if proxy.username else None
        )
        return urllib3.ProxyManager(plain, proxy_headers=headers, ssl_context=secure)
    if secure:
        return urllib3.HTTPSConnectionPool(
            addresses[0], remote.port, ssl_context=secure, server_hostname=remote.host, assert_hostname=remote.host
        )
    return urllib3.HTTPConnectionPool(addresses[0], remote.port)

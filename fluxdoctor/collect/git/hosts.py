"""The hosts of a run: which addresses of each may be asked, and which do not answer at all, so that they are asked once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fluxdoctor.collect.git.login import Proxy
from fluxdoctor.collect.git.remote import Remote
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.model.probes import Answer

#: Answers of a host, whatever the repository and the login.
_DOWN = (Answer.DNS, Answer.REFUSED, Answer.TIMEOUT, Answer.NOT_CONTACTED, Answer.PROXY)


@dataclass(slots=True)
class _Service:
    asked: threading.Event = field(default_factory=threading.Event)
    failure: UnreachableError | None = None


class Hosts:
    """One visitor is the first at each service; where it finds nobody, the others need not knock."""

    def __init__(self, reach: ProbeContext) -> None:
        self._reach = reach
        self._lock = threading.Lock()
        self._services: dict[tuple[object, Proxy | None], _Service] = {}

    @contextmanager
    def turn(self, remote: Remote, proxy: Proxy | None) -> Iterator[tuple[str, ...]]:
        """Give the addresses to ask, after the first visitor has been served. Raises UnreachableError."""
        key = (remote.service, proxy)  # the proxy with its login: one that refuses another says nothing of this one
        with self._lock:
            first = key not in self._services
            service = self._services.setdefault(key, _Service())
        if not first:
            service.asked.wait(self._reach.deadline.left())
            if service.failure:
                raise UnreachableError(service.failure.answer, service.failure.detail)
        try:
            yield self._addresses(remote, proxy)
        except UnreachableError as error:
            if first and error.answer in _DOWN:
                service.failure = error
            raise
        finally:
            if first:
                service.asked.set()

    def _addresses(self, remote: Remote, proxy: Proxy | None) -> tuple[str, ...]:
        if proxy is None:
            return self._reach.addresses(remote.host, remote.port)
        try:
            self._reach.addresses(remote.host, remote.port)
        except UnreachableError as error:
            if error.answer is Answer.NOT_CONTACTED:
                raise
            # The proxy may know a name that we do not.
        if proxy.own:
            return ()
        try:
            return self._reach.addresses(proxy.host, proxy.port)
        except UnreachableError as error:
            answer = error.answer if error.answer is Answer.NOT_CONTACTED else Answer.PROXY
            raise UnreachableError(answer, f"proxy: {error.detail}") from None

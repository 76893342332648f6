"""The hosts of a run: which addresses of each are allowed, and which hosts do not answer, so that each is tried only once."""

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

#: Answers that do not depend on the repository and the login.
_DOWN = (Answer.DNS, Answer.REFUSED, Answer.TIMEOUT, Answer.NOT_CONTACTED, Answer.PROXY)


@dataclass(slots=True)
class _Service:
    first_visit_over: threading.Event = field(default_factory=threading.Event)
    failure: UnreachableError | None = None


class Hosts:
    """The first visit to each service tries it; if it does not answer, the later visits fail at once with the same error."""

    def __init__(self, context: ProbeContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._services: dict[tuple[object, Proxy | None], _Service] = {}

    @contextmanager
    def turn(self, remote: Remote, proxy: Proxy | None) -> Iterator[tuple[str, ...]]:
        """Yield the addresses to connect to, after the first visit is over. Raises UnreachableError."""
        key = (remote.service, proxy)  # with the proxy's login: a proxy that refuses one login may accept another
        with self._lock:
            is_first = key not in self._services
            service = self._services.setdefault(key, _Service())
        if not is_first:
            service.first_visit_over.wait(self._context.deadline.left())
            if service.failure:
                raise UnreachableError(service.failure.answer, service.failure.detail)
        try:
            yield self._addresses(remote, proxy)
        except UnreachableError as error:
            if is_first and error.answer in _DOWN:
                service.failure = error
            raise
        finally:
            if is_first:
                service.first_visit_over.set()

    def _addresses(self, remote: Remote, proxy: Proxy | None) -> tuple[str, ...]:
        if proxy is None:
            return self._context.addresses(remote.host, remote.port)
        try:
            self._context.addresses(remote.host, remote.port)
        except UnreachableError as error:
            if error.answer is Answer.NOT_CONTACTED:
                raise
            # The proxy may resolve a name that this machine does not.
        if proxy.is_ambient:
            return ()
        try:
            return self._context.addresses(proxy.host, proxy.port)
        except UnreachableError as error:
            answer = error.answer if error.answer is Answer.NOT_CONTACTED else Answer.PROXY
            raise UnreachableError(answer, f"proxy: {error.detail}") from None

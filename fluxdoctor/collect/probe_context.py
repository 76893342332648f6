"""The context that every collector of sources gets: credentials, deadline, cache, and the allowed hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from fluxdoctor.collect.net.addresses import METADATA_HOSTS, UnreachableError, forbidden, resolve
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.intake.vault import Vault
from fluxdoctor.model.gaps import FileScope, Gap, GapReason
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.resource import Ref


@dataclass(frozen=True)
class ProbeContext:
    """The context of one run. ``per_host``: seconds allowed for each host. ``cache``: a folder, None: no cache."""

    deadline: Deadline
    taken: datetime
    vault: Vault = field(default_factory=Vault)
    cache: Path | None = None
    allow_local: bool = False
    """Also allow loopback, link-local and metadata addresses."""
    per_host: float = 15.0
    workers: int = 8
    progress: Callable[[str], None] = field(default=lambda _: None, repr=False)

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Resolve a host, within the deadline, to allowed addresses. Raises UnreachableError if it has none.

        If one address is forbidden, all are: a resolver that mixes both cannot be trusted.
        """
        if not self.allow_local and host.rstrip(".").lower() in METADATA_HOSTS:
            raise UnreachableError(Answer.NOT_CONTACTED, f"{host} is a cloud metadata service")
        addresses = resolve(host, port, self.deadline.within(self.per_host).left())
        for address in addresses:
            if not self.allow_local and (why := forbidden(address)):
                label = host if host == address else f"{host} ({address})"
                raise UnreachableError(Answer.NOT_CONTACTED, f"{label} is {why}: contacted only with --allow-local")
        return addresses


@dataclass(frozen=True)
class SourceResults:
    """The probes and gaps of a collector: how each source answered, and what could not be read."""

    probes: Mapping[Ref, Probe] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


_REASONS = {
    Answer.AUTHENTICATION: GapReason.UNAUTHORIZED,
    Answer.TIMEOUT: GapReason.TIMEOUT,
    Answer.NOT_CONTACTED: GapReason.NOT_COLLECTED,
    Answer.MALFORMED: GapReason.MALFORMED,
    Answer.TOO_LARGE: GapReason.TOO_LARGE,
}


def probe_reason(answer: Answer) -> GapReason:
    """Return the reason of the gap that an answer leaves."""
    return _REASONS.get(answer, GapReason.UNAVAILABLE)


def probe_gap(path: str, probe: Probe) -> Gap:
    """Return the gap at a path of the snapshot for a source, from its answer."""
    return Gap(FileScope(path), probe_reason(probe.answer), f"{probe.answer.value}: {probe.detail}")

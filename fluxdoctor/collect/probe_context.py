"""What every collector of sources is given: the logins, the time, the cache, and which hosts may be contacted."""

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
    """The means of one run. ``per_host``: seconds that one host may take. ``cache``: a folder, None for no cache."""

    deadline: Deadline
    taken: datetime
    vault: Vault = field(default_factory=Vault)
    cache: Path | None = None
    allow_local: bool = False
    """Loopback, link-local and metadata addresses may be contacted too."""
    per_host: float = 15.0
    workers: int = 8
    progress: Callable[[str], None] = field(default=lambda _: None, repr=False)

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Resolve a host, within the deadline, to addresses that may be contacted. Raises UnreachableError.

        A name that leads to one forbidden address is refused whole: a resolver that mixes both is not to be trusted.
        """
        if not self.allow_local and host.rstrip(".").lower() in METADATA_HOSTS:
            raise UnreachableError(Answer.NOT_CONTACTED, f"{host} is a cloud metadata service")
        addresses = resolve(host, port, self.deadline.within(self.per_host).left())
        for address in addresses:
            if not self.allow_local and (why := forbidden(address)):
                label = host if host == address else f"{host} ({address})"
                raise UnreachableError(Answer.NOT_CONTACTED, f"{label} is {why}: only asked with --allow-local")
        return addresses


@dataclass(frozen=True)
class SourceResults:
    """What a collector of sources learnt beside its facts: how each source answered, and what could not be read."""

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
    """Return why a source that answered so is unknown."""
    return _REASONS.get(answer, GapReason.UNAVAILABLE)


def probe_gap(path: str, probe: Probe) -> Gap:
    """Return the gap that a source leaves in the snapshot at a path, by how it answered."""
    return Gap(FileScope(path), probe_reason(probe.answer), f"{probe.answer.value}: {probe.detail}")

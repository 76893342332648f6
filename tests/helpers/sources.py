"""Sources and logins for the tests of their collectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.intake.vault import SecretData, Vault
from fluxdoctor.model.resource import Ref, Resource

TAKEN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def source(kind: str, name: str, spec: Mapping[str, Any], status: Mapping[str, Any] | None = None) -> Resource:
    """Make a source in namespace apps."""
    metadata = {"name": name, "namespace": "apps"}
    body = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind, "metadata": metadata, "spec": spec}
    return Resource({**body, "status": status or {}}, ref=Ref(kind, "apps", name))


def secret(type_: str = "Opaque", /, **entries: str | bytes) -> SecretData:
    """Make a Secret; ``_`` in the name of a key stands for a dot."""
    return SecretData(type_, {k.replace("_", "."): v.encode() if isinstance(v, str) else v for k, v in entries.items()})


@dataclass(frozen=True)
class TestReach(ProbeContext):
    """A reach whose resolver knows names of loopback servers, and is as strict as ever with all others."""

    __test__ = False
    names: Mapping[str, str] = field(default_factory=dict)

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Resolve the names of the test."""
        return (self.names[host],) if host in self.names else super().addresses(host, port)


def reach(  # noqa: PLR0913 - each test has its own means
    secrets: Mapping[str, SecretData] | None = None,
    *,
    seconds: float = 30.0,
    cache: Path | None = None,
    local: bool = True,
    per_host: float = 15.0,
    names: Mapping[str, str] | None = None,
) -> TestReach:
    """Make the means of a run; Secrets by name, in namespace apps."""
    vault = Vault({("apps", name): data for name, data in (secrets or {}).items()})
    return TestReach(
        Deadline(seconds), TAKEN, vault, cache, allow_local=local, per_host=per_host, workers=4, names=names or {}
    )

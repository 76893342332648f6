"""GitRepositories, Secrets and a ProbeContext for tests of the git collector."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fluxdoctor.collect.git import GitResults
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.intake.vault import SecretData, Vault
from fluxdoctor.model.resource import Ref, Resource

TAKEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAMESPACE = "flux-system"


def source(name: str, url: str, secret: str = "", *, revision: str = "", **spec: Any) -> Resource:
    """Make a GitRepository of branch main; ``revision`` is what its artifact names."""
    body: dict[str, Any] = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"url": url, "ref": {"branch": "main"}, **({"secretRef": {"name": secret}} if secret else {}), **spec},
        "status": {"artifact": {"revision": revision}} if revision else {},
    }
    return Resource(body=body, ref=ref(name))


def ref(name: str) -> Ref:
    return Ref("GitRepository", NAMESPACE, name)


def secret(**entries: str | bytes) -> SecretData:
    """Make a Secret; two underscores in a key stand for a dot."""
    return SecretData(
        "Opaque", {k.replace("__", "."): v if isinstance(v, bytes) else v.encode() for k, v in entries.items()}
    )


def reach(
    secrets: dict[str, SecretData] | None = None, *, seconds: float = 240, per_host: float = 90, cache: Path | None = None,
    allow_local: bool = True,
) -> ProbeContext:  # fmt: skip
    """Make the means of a run that may contact loopback."""
    vault = Vault({(NAMESPACE, name): data for name, data in (secrets or {}).items()})
    return ProbeContext(
        Deadline(seconds), TAKEN, vault, cache=cache, allow_local=allow_local, per_host=per_host, workers=4
    )


def answers(results: GitResults) -> dict[str, str]:
    """Return how each source answered: ``answer: detail``, by its name."""
    return {ref.name: f"{probe.answer}: {probe.detail}" for ref, probe in results.probes.items()}


def gaps(results: GitResults) -> dict[str, str]:
    """Return the reason of each gap, by the source's name."""
    return {str(gap.scope).removeprefix(f"git/{NAMESPACE}/"): gap.why for gap in results.gaps}

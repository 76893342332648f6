"""GitRepositories that fail in their controller's words, and what is found of them with our own probes at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.git import collect
from fluxdoctor.intake.vault import SecretData
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import KINDS
from fluxdoctor.model.probes import Probes
from fluxdoctor.model.resource import Resource
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.model.tree import GitTrees
from tests.helpers.gitworld import TAKEN, reach, source
from tests.helpers.worlds import rules


@dataclass(frozen=True)
class Case:
    """A GitRepository whose controller says this of it."""

    name: str
    url: str
    said: str
    secret: str = ""
    proxy: str = ""

    @property
    def resource(self) -> Resource:
        how: dict[str, Any] = {"proxySecretRef": {"name": self.proxy}} if self.proxy else {}
        made = source(self.name, self.url, self.secret, **how)
        ready = {
            "type": "Ready", "status": "False", "reason": "GitOperationFailed", "lastTransitionTime": "2026-01-01T11:00:00Z",
            "message": "failed to checkout and determine revision: " + self.said.format(url=self.url),
        }  # fmt: skip
        return Resource(body={**made.body, "status": {"conditions": [ready]}}, ref=made.ref)


def found(
    cases: list[Case], secrets: dict[str, SecretData], *, per_host: float = 90
) -> dict[str, tuple[str, str, str]]:
    """Ask the remotes, diagnose, and return rule, confidence and what our probe adds to the evidence, by name."""
    resources = [case.resource for case in cases]
    means = reach(secrets, per_host=per_host)
    git = collect(resources, means)
    cluster = Cluster(resources, listed=dict.fromkeys(KINDS))
    snapshot = Snapshot(TAKEN, cluster, GitTrees(git.trees, git.refs), probes=Probes(git.probes), gaps=git.gaps)
    told = {}
    for finding in diagnose(snapshot, rules()).findings:
        probed = [e.what.partition(": ")[2] for e in finding.evidence if e.what.startswith("probed from here")]
        for ref in (finding.subject, *finding.also):
            told[ref.name] = (finding.rule, finding.confidence.value, "; ".join(probed))
    return told

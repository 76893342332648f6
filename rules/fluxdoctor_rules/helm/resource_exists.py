"""A chart renders an object that exists already and belongs to someone else."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Evidence, Failures, Problem, Ref, Resource, owner

_SAID = re.compile(
    r'(?P<kind>\w+) "(?P<name>[^"]+)" in namespace "(?P<namespace>[^"]*)" exists and cannot be imported into the current release'
)
_REFUSED = ("spec.install.disableTakeOwnership", "spec.upgrade.disableTakeOwnership")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Helm names the object; its labels tell whose it is."""
    for failure in failures.failed:
        found = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or not found:
            continue
        ref = Ref(found["kind"], found["namespace"], found["name"])
        live = None if failure.resource.has("spec.kubeConfig") else cluster.get(ref)
        whose = _whose(live) if live else ""
        yield Problem(
            failure.ref,
            {**found.groupdict(), "whose": whose},
            evidence=(Evidence(f"exists{whose}", str(ref)),) if live else (),
            field=next((f for f in _REFUSED if failure.resource.flag(f)), "metadata.name"),
            # Seen, and not this release's own: the fact says what the message says.
            confidence=Confidence.PROVEN if live and owner(live) != failure.ref else Confidence.REPORTED,
        )


def _whose(live: Resource) -> str:
    helm = live.annotation("meta.helm.sh/release-name")
    applier = owner(live)
    if applier:
        return f"; it is applied by {applier}"
    if helm:
        return f"; it belongs to release {live.annotation('meta.helm.sh/release-namespace')}/{helm}"
    return "; no tool's label is on it"

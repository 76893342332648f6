"""A chart renders an object that already exists and does not belong to the release."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Evidence, Failures, Problem, Ref, Resource, owner

_ERROR = re.compile(
    r'(?<!\w)(?P<kind>\w++) "(?P<name>[^"]++)" in namespace "(?P<namespace>[^"]*)" '
    r"exists and cannot be imported into the current release"
)
_NO_ADOPTION = ("spec.install.disableTakeOwnership", "spec.upgrade.disableTakeOwnership")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Report the object in Helm's error, with the owner that its labels and annotations give."""
    for failure in failures.failed:
        match = next((m for w in failure.words if (m := _ERROR.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or not match:
            continue
        ref = Ref(match["kind"], match["namespace"], match["name"])
        live = None if failure.resource.has("spec.kubeConfig") else cluster.get(ref)
        owner_hint = _owner_hint(live) if live else ""
        yield Problem(
            failure.ref,
            {"object": str(ref), "whose": owner_hint},
            evidence=(Evidence.field(f"exists{owner_hint}", str(ref)),) if live else (),
            field=next((f for f in _NO_ADOPTION if failure.resource.flag(f)), "metadata.name"),
            # The live object with another owner confirms the error.
            confidence=Confidence.PROVEN if live and owner(live) != failure.ref else Confidence.REPORTED,
        )


def _owner_hint(live: Resource) -> str:
    helm = live.annotation("meta.helm.sh/release-name")
    applier = owner(live)
    if applier:
        return f"; it is applied by {applier}"
    if helm:
        return f"; it belongs to release {live.annotation('meta.helm.sh/release-namespace')}/{helm}"
    return "; it has no owner labels"

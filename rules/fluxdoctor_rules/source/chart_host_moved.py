"""A chart repository at an address that its project no longer maintains."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Severity, State, state

_ARCHIVE = "https://charts.helm.sh/{0}, an archive without updates since November 2020"
_OWN = "the projects' own repositories; this is an archive without updates since November 2020"
_BITNAMI = "oci://registry-1.docker.io/bitnamicharts; their images moved to docker.io/bitnamilegacy in September 2025"
#: Host and path, the new location of the charts, and whether the old address still serves charts.
#: helm.sh/blog/new-location-stable-incubator-charts; github.com/bitnami/charts/issues/35164.
_MOVED = (
    ("kubernetes-charts.storage.googleapis.com", _ARCHIVE.format("stable"), False),
    ("kubernetes-charts-incubator.storage.googleapis.com", _ARCHIVE.format("incubator"), False),
    ("charts.helm.sh/stable", _OWN, True),
    ("charts.helm.sh/incubator", _OWN, True),
    ("charts.bitnami.com/bitnami", _BITNAMI, True),
    ("raw.githubusercontent.com/bitnami/charts", _BITNAMI, True),
)


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the URL of each HelmRepository with the abandoned addresses."""
    for repository in cluster.active("HelmRepository"):
        address = repository.text("spec.url").partition("://")[2].rstrip("/")
        for old, new, is_served in _MOVED:
            if address == old or address.startswith(f"{old}/"):
                is_failing = state(repository) is State.FAILED or not is_served
                facts = {"address": old, "now": new}
                proof = Evidence.field(f"spec.url: {repository.text('spec.url')}", str(repository.ref))
                level = Severity.ERROR if is_failing else Severity.INFO
                yield Problem(repository.ref, facts, (proof,), field="spec.url", severity=level)

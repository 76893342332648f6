"""A chart repository at an address that its project has left."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Severity, State, state

_ARCHIVE = "https://charts.helm.sh/{0}, an archive without updates since November 2020"
_OWN = "the projects' own repositories; this is an archive without updates since November 2020"
_BITNAMI = "oci://registry-1.docker.io/bitnamicharts; their images moved to docker.io/bitnamilegacy in September 2025"
#: Host and path, where the charts are now, and whether anything is still served there.
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
    """Compare the URL of each HelmRepository with the addresses that are known to be left."""
    for repository in cluster.all("HelmRepository"):
        if state(repository) is State.SUSPENDED:
            continue
        address = repository.text("spec.url").partition("://")[2].rstrip("/")
        for left, now, served in _MOVED:
            if address == left or address.startswith(left + "/"):
                failing = state(repository) is State.FAILED or not served
                facts = {"address": left, "now": now}
                proof = Evidence(f"spec.url: {repository.text('spec.url')}", str(repository.ref))
                level = Severity.ERROR if failing else Severity.INFO
                yield Problem(repository.ref, facts, (proof,), field="spec.url", severity=level)

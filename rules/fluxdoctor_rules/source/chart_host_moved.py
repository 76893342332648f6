"""A chart repository at an address that its project has left."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Severity, State, state

#: Host and path, where the charts are now, and whether anything is still served there. From the projects' own notices.
_MOVED = (
    (
        "kubernetes-charts.storage.googleapis.com",
        "the archive https://charts.helm.sh/stable (no updates since 2020)",
        False,
    ),
    (
        "kubernetes-charts-incubator.storage.googleapis.com",
        "the archive https://charts.helm.sh/incubator (no updates since 2020)",
        False,
    ),
    ("charts.helm.sh/stable", "the projects' own repositories (an archive, no updates since 2020)", True),
    ("charts.helm.sh/incubator", "the projects' own repositories (an archive, no updates since 2020)", True),
    ("charts.fluxcd.io", "https://fluxcd-community.github.io/helm-charts", False),
    ("helm.fluxcd.io", "https://fluxcd-community.github.io/helm-charts", False),
    ("k8s-at-home.com/charts", "no new place: the project was archived in 2022", True),
    ("raw.githubusercontent.com/bitnami/charts", "oci://registry-1.docker.io/bitnamicharts", True),
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

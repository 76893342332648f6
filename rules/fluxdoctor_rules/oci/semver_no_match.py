"""No tag of a registry satisfies the range that an OCIRepository asks for."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, OciTags, Problem, Resource, State, semver, state

_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def check(cluster: Cluster, oci: OciTags) -> Iterator[Problem]:
    """Read the tags as the controller does: first the filter, then the range."""
    for repository in cluster.all("OCIRepository"):
        constraint, tags = repository.text("spec.ref.semver"), oci.tags(repository.ref)
        if (
            not constraint
            or not tags
            or repository.text("spec.ref.digest")
            or state(repository) not in (State.FAILED, State.NEW)
        ):
            continue
        try:
            versions = _versions(repository, tags)
            matching = semver.satisfying(constraint, versions)
        except (re.error, semver.InvalidConstraint):
            continue  # the controller reads the filter otherwise, or another rule speaks of the range
        if not matching:
            url = repository.text("spec.url")
            facts = {"range": constraint, "url": url, "offered": _offered(constraint, versions, tags)}
            yield Problem(repository.ref, facts, field="spec.ref.semver")


def _versions(repository: Resource, tags: tuple[str, ...]) -> tuple[str, ...]:
    wanted = re.compile(repository.text("spec.ref.semverFilter"))
    # A tag cannot have the "+" of a version: Helm writes "_" for it.
    chart = repository.text("spec.layerSelector.mediaType") == _CHART
    return tuple(t.replace("_", "+") if chart else t for t in tags if wanted.search(t))


def _offered(constraint: str, versions: tuple[str, ...], tags: tuple[str, ...]) -> str:
    if not versions:
        return f", because spec.ref.semverFilter lets none of its {len(tags)} tags through"
    newest = semver.satisfying("*-0", versions)
    if not newest:
        return f", and none is a version: {', '.join(versions[-3:])}"
    early = [v for v in newest if "-" in v and semver.satisfying(constraint, (v.partition("-")[0],))]
    hint = f"; prereleases such as {early[0]} count only in a range like >=0.0.0-0" if early else ""
    return f", whose newest are {', '.join(newest[:3])}{hint}"

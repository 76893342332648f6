"""No tag of a repository satisfies the semver range of an OCIRepository."""

from collections.abc import Iterator

from fluxdoctor import Cluster, OciTags, Problem, Resource, State, Unknown, go_regex, semver, state

_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def check(cluster: Cluster, oci: OciTags) -> Iterator[Problem | Unknown]:
    """Evaluate the tags as source-controller does: first the filter, then the range."""
    for repository in cluster.active("OCIRepository"):
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
        except (go_regex.InvalidRegexError, semver.InvalidConstraint):
            continue  # an invalid range has a rule of its own
        except go_regex.RegexLimitError as error:
            yield Unknown(repository.ref, f"spec.ref.semverFilter is not evaluated: {error}")
            continue
        if not matching:
            url = repository.text("spec.url")
            facts = {"range": constraint, "url": url, "offered": _offered(constraint, versions, tags)}
            yield Problem(repository.ref, facts, field="spec.ref.semver")


def _versions(repository: Resource, tags: tuple[str, ...]) -> tuple[str, ...]:
    matching = go_regex.filtered(repository.text("spec.ref.semverFilter"), tags)
    # A tag cannot contain the "+" of a version: Helm replaces it with "_".
    is_chart = repository.text("spec.layerSelector.mediaType") == _CHART
    return tuple(t.replace("_", "+") if is_chart else t for t in matching)


def _offered(constraint: str, versions: tuple[str, ...], tags: tuple[str, ...]) -> str:
    if not versions:
        return f", because spec.ref.semverFilter matches none of its {len(tags)} tags"
    newest = semver.satisfying("*-0", versions)
    if not newest:
        return f"; none of the tags is a version: {', '.join(versions[-3:])}"
    prereleases = [v for v in newest if "-" in v and semver.satisfying(constraint, (v.partition("-")[0],))]
    hint = f"; prereleases such as {prereleases[0]} satisfy only a range such as >=0.0.0-0" if prereleases else ""
    return f"; the newest tags are {', '.join(newest[:3])}{hint}"

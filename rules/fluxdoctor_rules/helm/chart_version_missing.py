"""A HelmRelease requests a chart version that its HelmRepository does not offer."""

import re
from collections.abc import Iterator

from fluxdoctor import ChartIndexes, Cluster, OciTags, Problem, semver
from fluxdoctor_rules.helm._charts import Request, unresolved

_LISTED, _PRERELEASES = 8, 3
# source-controller accepts only full versions from an index (fluxcd/pkg/version).
_FULL = re.compile(r"v?\d+\.\d+\.\d+(?:[-+].+)?")
_LEADING_ZERO = re.compile(r"(?<![\w.+-])v?(?:\d+\.)*0\d")


def check(cluster: Cluster, charts: ChartIndexes, oci: OciTags | None) -> Iterator[Problem]:
    """Choose a version as source-controller does: the exact text first, then the range."""
    for request in unresolved(cluster):
        offered = _offered(request, charts, oci)
        if not offered or request.version in offered:
            continue
        versions = [v for v in offered if _FULL.fullmatch(v)]
        hint = _hint(request.version, versions)
        if hint is None:
            continue
        field = f"{request.field}.version"
        yield Problem(
            request.subject,
            {
                "wanted": request.version,
                "name": request.chart,
                "offers": f"; {request.repository} offers {_some(offered)}",
                "hint": hint,
                "field": field,
            },
            field=field,
            explains=request.explains,
        )


def _offered(request: Request, charts: ChartIndexes, oci: OciTags | None) -> tuple[str, ...]:
    """Return the versions in the index, or those of the tags in the registry: a tag has _ instead of +."""
    versions = charts.offered(request.repository, request.chart)
    tags = oci.chart_tags(request.repository, request.chart) if oci else None
    return versions or tuple(tag.replace("_", "+") for tag in tags or ())


def _hint(constraint: str, versions: list[str]) -> str | None:
    """Return why no version matches; None if one does."""
    try:
        if semver.satisfying(constraint, versions):
            return None
        prereleases = [
            version
            for version in semver.newest_first(versions)
            if "-" in version and semver.satisfying(constraint, [version.partition("-")[0]])
        ]
    except semver.InvalidConstraint:
        return _zero(constraint) or "; it is neither a version nor a range"
    if not prereleases:
        return _zero(constraint)
    matches = ", ".join(prereleases[:_PRERELEASES])
    return f"; only prereleases match ({matches}), and a range includes prereleases only with a suffix such as -0"


def _zero(constraint: str) -> str:
    return "; the numbers of a version must not have leading zeros" if _LEADING_ZERO.search(constraint) else ""


def _some(offered: tuple[str, ...]) -> str:
    newest = semver.newest_first(offered)
    rest = f", ... ({len(newest)} in all)" if len(newest) > _LISTED else ""
    return ", ".join(newest[:_LISTED]) + rest

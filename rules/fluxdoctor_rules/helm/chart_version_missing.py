"""A HelmRelease asks for a chart version that its HelmRepository does not offer."""

import re
from collections.abc import Iterator

from fluxdoctor import ChartIndexes, Cluster, OciTags, Problem, semver
from fluxdoctor_rules.helm._charts import Request, unresolved

_SHOWN = 8
# source-controller takes only full versions from an index (fluxcd/pkg/version).
_FULL = re.compile(r"v?\d+\.\d+\.\d+(?:[-+].+)?")
_LEADING_ZERO = re.compile(r"(?<![\w.+-])v?(?:\d+\.)*0\d")


def check(cluster: Cluster, charts: ChartIndexes, oci: OciTags | None) -> Iterator[Problem]:
    """Choose a version as source-controller does: the very text first, then the range."""
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
    """Return the versions in the index, or the tags of the registry: a tag cannot have the + of a version, and has a _."""
    listed = charts.offered(request.repository, request.chart)
    tags = oci.chart_tags(request.repository, request.chart) if oci else None
    return listed or tuple(tag.replace("_", "+") for tag in tags or ())


def _hint(wanted: str, versions: list[str]) -> str | None:
    """Say why nothing matches; None where something does."""
    try:
        if semver.satisfying(wanted, versions):
            return None
        near = [
            v for v in semver.newest_first(versions) if "-" in v and semver.satisfying(wanted, [v.partition("-")[0]])
        ]
        stale = (
            f"; only prereleases match ({', '.join(near[:3])}), and a range takes them only with a -0 after its number"
        )
        return stale if near else _zero(wanted)
    except semver.InvalidConstraint:
        return _zero(wanted) or "; it is neither a version nor a range"


def _zero(wanted: str) -> str:
    return "; a number of a version has no leading zero" if _LEADING_ZERO.search(wanted) else ""


def _some(offered: tuple[str, ...]) -> str:
    newest = semver.newest_first(offered)
    rest = f", ... ({len(newest)} in all)" if len(newest) > _SHOWN else ""
    return ", ".join(newest[:_SHOWN]) + rest

"""A chart version is neither a version nor a range, or is a range that no version can satisfy."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, semver
from fluxdoctor_rules.helm._charts import unresolved


def check(cluster: Cluster) -> Iterator[Problem]:
    """Parse the version as source-controller does; the published versions do not matter."""
    for request in unresolved(cluster):
        flaw = _flaw(request.version)
        if flaw:
            field = f"{request.field}.version"
            facts = {"version": request.version, "chart": request.chart, "flaw": flaw, "field": field}
            yield Problem(request.subject, facts, field=field, explains=request.explains)


def _flaw(text: str) -> str:
    try:
        return "is a range that no version can satisfy" if semver.is_empty(text) else ""
    except semver.InvalidConstraint:
        return "is neither a version nor a range"

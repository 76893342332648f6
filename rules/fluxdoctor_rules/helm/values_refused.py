"""The values.schema.json of a chart rejects the values of a HelmRelease."""

import re
from collections.abc import Iterator

from fluxdoctor import Charts, Cluster, Confidence, Failures, Graph, Manifests, Problem, Ref, Unknown
from fluxdoctor_rules.helm._values import Path, Setting, setting

_ERROR = re.compile(
    r"values don't meet the specifications of the schema\(s\) in the following chart\(s\):\n(?P<rest>.*)",
    re.S,
)
_FLAW = re.compile(r"^- (.+)$", re.M)
# Helm 3.18 and later: at '/image/tag': ...; earlier: image.tag: ..., with (root) for the top level.
_AT = re.compile(r"at '(?P<slashed>[^']*)'|(?P<dotted>[\w.()-]+): ")
_LISTED = 5


def check(
    cluster: Cluster, graph: Graph, failures: Failures, archives: Charts | None, manifests: Manifests | None
) -> Iterator[Problem | Unknown]:
    """Report rejected values, with the source of values that sets the path in Helm's error.

    The verdict of a pulled chart's schema confirms Helm's error, or is reported before Helm tries.
    """
    reported: set[Ref] = set()
    for failure in failures.failed:
        match = next((m for w in failure.words if (m := _ERROR.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or not match:
            continue
        reported.add(failure.ref)
        rest = match["rest"]
        flaws = [" ".join(text.split()) for text in _FLAW.findall(rest)] or [" ".join(rest.split())]
        verdict = archives.verdict(failure.ref) if archives else None
        confidence = Confidence.PROVEN if verdict and verdict.flaws else Confidence.REPORTED
        origin = setting(failure.resource, _path(flaws[0]), cluster, graph, manifests)
        yield _problem(failure.ref, rest.partition(":")[0].strip(), flaws, origin, confidence)
    for release in cluster.active("HelmRelease") if archives else ():
        verdict = archives.verdict(release.ref) if archives and release.ref not in reported else None
        if verdict and verdict.flaws:
            origin = setting(release, verdict.flaws[0].path, cluster, graph, manifests)
            words = [str(flaw) for flaw in verdict.flaws]
            yield _problem(release.ref, verdict.flaws[0].chart, words, origin, Confidence.PROVEN)
        elif verdict and verdict.why:
            yield Unknown(release.ref, f"whether the chart's schema accepts the values: {verdict.why}")


def _problem(release: Ref, chart: str, flaws: list[str], origin: Setting, confidence: Confidence) -> Problem:
    facts = {"refusing": chart, "flaws": "; ".join(flaws[:_LISTED]), "setter": origin.words}
    return Problem(release, facts, field=origin.field, location=origin.location, confidence=confidence)


def _path(flaw: str) -> Path:
    at = _AT.match(flaw)
    text = (at["slashed"] if at["slashed"] is not None else at["dotted"].replace(".", "/")) if at else ""
    parts = (p for p in text.split("/") if p and p != "(root)")
    return tuple(int(p) if p.isdecimal() else p for p in parts)

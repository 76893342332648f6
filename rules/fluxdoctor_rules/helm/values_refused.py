"""A chart's values.schema.json refuses the values of a HelmRelease."""

import re
from collections.abc import Iterator

from fluxdoctor import Charts, Cluster, Confidence, Failures, Graph, Manifests, Problem, Ref, Unknown
from fluxdoctor_rules.helm._values import Path, Setting, setting

_SAID = re.compile(
    r"values don't meet the specifications of the schema\(s\) in the following chart\(s\):\n(?P<rest>.*)",
    re.S,
)
_FLAW = re.compile(r"^- (.+)$", re.M)
# Helm 3.18 and later: at '/image/tag': ...; before: image.tag: ... with (root) for the top.
_AT = re.compile(r"at '(?P<slashed>[^']*)'|(?P<dotted>[\w.()-]+): ")
_SHOWN = 5


def check(
    cluster: Cluster, graph: Graph, failures: Failures, charts: Charts | None, manifests: Manifests | None
) -> Iterator[Problem | Unknown]:
    """Helm names the path in the merged values: find out which source of the values sets it.

    Where the chart was pulled, its schema was asked as well: that proves what Helm says, or tells it before Helm tries.
    """
    told: set[Ref] = set()
    for failure in failures.failed:
        found = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or not found:
            continue
        told.add(failure.ref)
        rest = found["rest"]
        flaws = [" ".join(text.split()) for text in _FLAW.findall(rest)] or [" ".join(rest.split())]
        verdict = charts.verdict(failure.ref) if charts else None
        how = Confidence.PROVEN if verdict and verdict.flaws else Confidence.REPORTED
        comes = setting(failure.resource, _path(flaws[0]), cluster, graph, manifests)
        yield _problem(failure.ref, rest.partition(":")[0].strip(), flaws, comes, how)
    for release in cluster.all("HelmRelease") if charts else ():
        verdict = charts.verdict(release.ref) if charts and release.ref not in told else None
        if verdict and verdict.flaws:
            comes = setting(release, verdict.flaws[0].path, cluster, graph, manifests)
            words = [str(flaw) for flaw in verdict.flaws]
            yield _problem(release.ref, verdict.flaws[0].chart, words, comes, Confidence.PROVEN)
        elif verdict and verdict.why:
            yield Unknown(release.ref, f"whether the chart's schema takes the values: {verdict.why}")


def _problem(release: Ref, chart: str, flaws: list[str], comes: Setting, how: Confidence) -> Problem:
    facts = {"refusing": chart, "flaws": "; ".join(flaws[:_SHOWN]), "setter": comes.words}
    return Problem(release, facts, field=comes.field, location=comes.location, confidence=how)


def _path(flaw: str) -> Path:
    at = _AT.match(flaw)
    text = (at["slashed"] if at["slashed"] is not None else at["dotted"].replace(".", "/")) if at else ""
    parts = (p for p in text.split("/") if p and p != "(root)")
    return tuple(int(p) if p.isdecimal() else p for p in parts)

"""A chart's values.schema.json refuses the values of a HelmRelease."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Graph, Manifests, Problem
from fluxdoctor_rules.helm._values import Path, setting

_SAID = re.compile(
    r"values don't meet the specifications of the schema\(s\) in the following chart\(s\):\n(?P<rest>.*)",
    re.S,
)
_FLAW = re.compile(r"^- (.+)$", re.M)
# Helm 3.18 and later: at '/image/tag': ...; before: image.tag: ... with (root) for the top.
_AT = re.compile(r"at '(?P<slashed>[^']*)'|(?P<dotted>[\w.()-]+): ")
_SHOWN = 5


def check(cluster: Cluster, graph: Graph, failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Helm names the path in the merged values: find out which source of the values sets it."""
    for failure in failures.failed:
        found = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or not found:
            continue
        rest = found["rest"]
        flaws = [" ".join(text.split()) for text in _FLAW.findall(rest)] or [" ".join(rest.split())]
        comes = setting(failure.resource, _path(flaws[0]), cluster, graph, manifests)
        yield Problem(
            failure.ref,
            {
                "refusing": rest.partition(":")[0].strip(),
                "flaws": "; ".join(flaws[:_SHOWN]),
                "setter": comes.words,
            },
            field=comes.field,
            location=comes.location,
            confidence=Confidence.REPORTED,
        )


def _path(flaw: str) -> Path:
    at = _AT.match(flaw)
    text = (at["slashed"] if at["slashed"] is not None else at["dotted"].replace(".", "/")) if at else ""
    parts = (p for p in text.split("/") if p and p != "(root)")
    return tuple(int(p) if p.isdecimal() else p for p in parts)

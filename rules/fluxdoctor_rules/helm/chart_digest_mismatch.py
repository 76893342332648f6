"""The archive of a chart is not the one whose digest its repository's index states."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fluxdoctor import (
    ChartIndexes,
    Charts,
    Cluster,
    Confidence,
    Evidence,
    Held,
    Problem,
    Ref,
    Severity,
    State,
    charts_held,
    state,
    stated_digests,
)

_SHOWN = 5
_SHORT = len("sha256:") + 12
_ANEW = (
    ", and make the index anew from the archives that are served (helm repo index); if both are right, a proxy between keeps "
    "an old copy of one"
)
_ONCE = ": Flux does not pull a version twice"


@dataclass(frozen=True)
class _Told:
    """What differs of one chart. ``again``: it was, or may have been, published after the controller had pulled it."""

    chart: str
    stated: str
    difference: str
    evidence: tuple[Evidence, ...]
    again: bool = False
    served: bool = True
    """It is known what is served."""


def check(cluster: Cluster, charts: ChartIndexes, archives: Charts | None) -> Iterator[Problem]:
    """Compare what an index states with the archive that was pulled, and with what source-controller holds.

    source-controller gets the first URL of an entry and reads its digest nowhere (0.1 to 1.9, DownloadChart in
    internal/helm/repository/chart_repository.go); a version that it holds is not pulled again (generateBuildResult).
    """
    groups: dict[tuple[Ref, bool, bool], list[_Told]] = {}
    for repository, told in _differing(cluster, charts, archives):
        source = cluster.get(repository)
        # The index of a repository that fails or is suspended is not the one that its charts were pulled by.
        if told.served or (source is not None and state(source) is State.READY):
            groups.setdefault((repository, told.again, told.served), []).append(told)
    for (repository, again, served), same in groups.items():
        first, others = same[0], [told.chart for told in same[1:]]
        yield Problem(
            repository,
            {
                "chart": first.chart,
                "stated": first.stated,
                "difference": first.difference,
                "others": f"; so it is with {_some(others)}" if others else "",
                "remedy": _ONCE if again else _ANEW,
            },
            evidence=tuple(proof for told in same[: _SHOWN + 1] for proof in told.evidence),
            field="spec.url",
            key=", ".join(told.chart for told in same),
            severity=Severity.INFO if again else None,
            confidence=Confidence.PROVEN if served or not again else Confidence.LIKELY,
        )


def _differing(cluster: Cluster, charts: ChartIndexes, archives: Charts | None) -> Iterator[tuple[Ref, _Told]]:
    holds: dict[tuple[Ref, str, str], list[Held]] = {}
    for one in charts_held(cluster):
        holds.setdefault(one.archive, []).append(one)
    pulled = {which: chart.digest for which, chart in archives.archives.items() if chart.digest} if archives else {}
    for which in sorted({*holds, *pulled}):
        repository, name, version = which
        entries = charts.listed(*which)
        stated, served, held = stated_digests(entries), pulled.get(which, ""), holds.get(which, [])
        made = max((entry.created for entry in entries if entry.created), default=None)
        differ = [one for one in held if one.digest not in stated]
        if stated and (found := _difference(served, stated, differ, made)):
            proofs = _evidence(f"{name} {version}", repository, stated, served, held)
            yield repository, _Told(f"{name} {version}", _short(min(stated)), found[0], proofs, **found[1])


def _difference(
    served: str, stated: frozenset[str], differ: Sequence[Held], made: datetime | None
) -> tuple[str, Mapping[str, bool]] | None:
    if served and served not in stated:
        return f"but the archive that it leads to is {_short(served)}", {}
    if not differ:
        return None
    has = f"{_some([str(one.chart) for one in differ])} has {_short(differ[0].digest)}"
    if served:
        return f"and so it is; {has}, of before it was published again", {"again": True}
    if made and any(one.since and one.since < made for one in differ):
        return f"but {has}, pulled before that entry was made", {"again": True, "served": False}
    known = made is not None and all(one.since for one in differ)
    return f"but {has}", {"again": not known, "served": False}


def _evidence(
    chart: str, repository: Ref, stated: frozenset[str], served: str, holds: Sequence[Held]
) -> tuple[Evidence, ...]:
    listed = ", ".join(f"sha256:{digest}" for digest in sorted(stated))
    return (
        Evidence(f"{chart}: digest {listed}", f"index of {repository}"),
        *([Evidence(f"{chart}: sha256:{served}", "the archive, as it is served")] if served else ()),
        *(Evidence(f"{chart}: status.artifact.digest sha256:{one.digest}", str(one.chart)) for one in holds[:_SHOWN]),
    )


def _some(names: Sequence[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _short(digest: str) -> str:
    return f"sha256:{digest}"[:_SHORT]

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

_SHORT = len("sha256:") + 12
_ANEW = (
    ", or make the index anew from the archives that are served (helm repo index); if both are right, a proxy between keeps an "
    "old copy of one"
)


def check(cluster: Cluster, charts: ChartIndexes, archives: Charts | None) -> Iterator[Problem]:
    """Compare what an index states with the archive that was pulled, and with what source-controller holds.

    source-controller gets the first URL of an entry and reads its digest nowhere (0.1 to 1.9, DownloadChart in
    internal/helm/repository/chart_repository.go); a version that it holds is not pulled again (generateBuildResult).
    """
    holds: dict[tuple[Ref, str, str], list[Held]] = {}
    for one in charts_held(cluster):
        holds.setdefault(one.archive, []).append(one)
    pulled = {which: chart.digest for which, chart in archives.archives.items() if chart.digest} if archives else {}
    for which in sorted({*holds, *pulled}):
        entries = charts.listed(*which)
        stated = stated_digests(entries)
        if not stated:
            continue
        differ = [one for one in holds.get(which, ()) if one.digest not in stated]
        made = max((entry.created for entry in entries if entry.created), default=None)
        told = _told(pulled.get(which, ""), stated, differ, made)
        repository, name, version = which
        source = cluster.get(repository)
        # The index of a repository that fails or is suspended is not the one that its charts were pulled by.
        current = source is not None and state(source) is State.READY
        if told and (current or told.served):
            facts = {"name": name, "version": version, "stated": _short(min(stated)), **told.facts}
            yield Problem(
                repository,
                facts,
                evidence=_evidence(which, stated, pulled, holds.get(which, ())),
                field="spec.url",
                key=f"{name} {version}",
                severity=Severity.INFO if told.again else None,
                confidence=Confidence.PROVEN if told.served or not told.again else Confidence.LIKELY,
            )


@dataclass(frozen=True)
class _Told:
    """What differs. ``again``: the version was, or may have been, published after the controller had pulled it."""

    difference: str
    again: bool = False
    served: bool = True
    """It is known what is served."""

    @property
    def facts(self) -> Mapping[str, str]:
        return {"difference": self.difference, "remedy": ": Flux does not pull a version twice" if self.again else _ANEW}


def _told(served: str, stated: frozenset[str], differ: Sequence[Held], made: datetime | None) -> _Told | None:
    if served and served not in stated:
        return _Told(f"but the archive that it leads to is {_short(served)}")
    if not differ:
        return None
    who, what = ", ".join(str(one.chart) for one in differ), _short(differ[0].digest)
    if served:
        return _Told(f"and so it is; {who} has {what}, of before it was published again", again=True)
    if made and any(one.since and one.since < made for one in differ):
        return _Told(f"but {who} has {what}, pulled before that entry was made", again=True, served=False)
    known = made is not None and all(one.since for one in differ)
    return _Told(f"but {who} has {what}", again=not known, served=False)


def _evidence(
    which: tuple[Ref, str, str], stated: frozenset[str], pulled: Mapping[tuple[Ref, str, str], str], holds: Sequence[Held]
) -> tuple[Evidence, ...]:
    repository, name, version = which
    listed = ", ".join(f"sha256:{digest}" for digest in sorted(stated))
    served = [Evidence(f"sha256:{pulled[which]}", f"{name} {version}, as served")] if which in pulled else []
    return (
        Evidence(f"digest {listed}", f"index of {repository}, {name} {version}"),
        *served,
        *(Evidence(f"status.artifact.digest is sha256:{one.digest}", str(one.chart)) for one in holds),
    )


def _short(digest: str) -> str:
    return f"sha256:{digest}"[:_SHORT]

"""The archive of a chart does not have the digest that its repository's index states."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fluxdoctor import (
    ChartIndexes,
    Charts,
    Cluster,
    Confidence,
    Evidence,
    Problem,
    Ref,
    Severity,
    State,
    UsedChart,
    state,
    stated_digests,
    used_charts,
)

_LISTED = 5
_SHORT = len("sha256:") + 12
_REGENERATE = (
    ", and regenerate the index from the served archives with helm repo index. If both are correct, a proxy in between serves "
    "an old copy of one of them"
)
_ONCE = ", because Flux does not pull the same version twice"


@dataclass(frozen=True)
class _Mismatch:
    """How one chart differs from the index."""

    chart: str
    stated: str
    difference: str
    evidence: tuple[Evidence, ...]
    is_republished: bool = False
    """It was, or may have been, published again after the controller had pulled it."""
    is_served: bool = True
    """The digest of the served archive is known."""


def check(cluster: Cluster, charts: ChartIndexes, archives: Charts | None) -> Iterator[Problem]:
    """Compare the digests of an index with the pulled archives and with the artifacts of source-controller.

    source-controller downloads the first URL of an entry and never reads its digest (0.1 to 1.9, DownloadChart in
    internal/helm/repository/chart_repository.go). It does not pull a version again that it already has
    (generateBuildResult).
    """
    groups: dict[tuple[Ref, bool, bool], list[_Mismatch]] = {}
    for repository, mismatch in _mismatches(cluster, charts, archives):
        source = cluster.get(repository)
        # If a repository fails or is suspended, its charts were pulled with an older index.
        if mismatch.is_served or (source is not None and state(source) is State.READY):
            group = (repository, mismatch.is_republished, mismatch.is_served)
            groups.setdefault(group, []).append(mismatch)
    for (repository, is_republished, is_served), mismatches in groups.items():
        first, others = mismatches[0], [mismatch.chart for mismatch in mismatches[1:]]
        yield Problem(
            repository,
            {
                "chart": first.chart,
                "stated": first.stated,
                "difference": first.difference,
                "others": f"; the same applies to {_some(others)}" if others else "",
                "remedy": _ONCE if is_republished else _REGENERATE,
            },
            evidence=tuple(proof for mismatch in mismatches[: _LISTED + 1] for proof in mismatch.evidence),
            field="spec.url",
            key=", ".join(mismatch.chart for mismatch in mismatches),
            severity=Severity.INFO if is_republished else None,
            confidence=Confidence.PROVEN if is_served or not is_republished else Confidence.LIKELY,
        )


def _mismatches(cluster: Cluster, charts: ChartIndexes, archives: Charts | None) -> Iterator[tuple[Ref, _Mismatch]]:
    artifacts: dict[tuple[Ref, str, str], list[UsedChart]] = {}
    for artifact in used_charts(cluster):
        artifacts.setdefault(artifact.archive, []).append(artifact)
    pulled = {archive: chart.digest for archive, chart in archives.archives.items() if chart.digest} if archives else {}
    for archive in sorted({*artifacts, *pulled}):
        repository, name, version = archive
        entries = charts.listed(*archive)
        stated, served, stored = stated_digests(entries), pulled.get(archive, ""), artifacts.get(archive, [])
        created = max((entry.created for entry in entries if entry.created), default=None)
        differing = [artifact for artifact in stored if artifact.digest not in stated]
        if stated and (difference := _difference(served, stated, differing, created)):
            words, flags = difference
            proofs = _evidence(f"{name} {version}", repository, stated, served, stored)
            yield repository, _Mismatch(f"{name} {version}", _short(min(stated)), words, proofs, **flags)


def _difference(
    served: str, stated: frozenset[str], differing: Sequence[UsedChart], created: datetime | None
) -> tuple[str, Mapping[str, bool]] | None:
    if served and served not in stated:
        return f"but the served archive has {_short(served)}", {}
    if not differing:
        return None
    verb = "has" if len(differing) == 1 else "have"
    words = f"{_some([str(artifact.chart) for artifact in differing])} {verb} {_short(differing[0].digest)}"
    if served:
        return (
            f"and the served archive matches it; {words}, pulled before the version was published again",
            {"is_republished": True},
        )
    if created and any(artifact.since and artifact.since < created for artifact in differing):
        return (
            f"but {words}, pulled before the index entry was created",
            {"is_republished": True, "is_served": False},
        )
    is_newer = created is not None and all(artifact.since for artifact in differing)
    return f"but {words}", {"is_republished": not is_newer, "is_served": False}


def _evidence(
    chart: str, repository: Ref, stated: frozenset[str], served: str, stored: Sequence[UsedChart]
) -> tuple[Evidence, ...]:
    digests = ", ".join(f"sha256:{digest}" for digest in sorted(stated))
    return (
        Evidence.file(f"{chart}: digest {digests}", f"index of {repository}"),
        *([Evidence.file(f"{chart}: sha256:{served}", "the served archive")] if served else ()),
        *(
            Evidence.field(f"{chart}: status.artifact.digest sha256:{artifact.digest}", str(artifact.chart))
            for artifact in stored[:_LISTED]
        ),
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _short(digest: str) -> str:
    return f"sha256:{digest}"[:_SHORT]

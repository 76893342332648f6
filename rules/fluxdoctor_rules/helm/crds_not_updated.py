"""The CRDs of a chart remain as they were installed: upgrades do not change them."""

from collections.abc import Iterator
from datetime import datetime

from fluxdoctor import Cluster, Evidence, GitTrees, Problem, Ref, Resource, Severity, moment
from fluxdoctor_rules.helm._source import charts

_LABEL = "helm.toolkit.fluxcd.io/"
_LISTED = 3


def check(cluster: Cluster, git: GitTrees | None) -> Iterator[Problem]:
    """Find CRD versions that the chart has and the cluster lacks; else CRDs older than the chart's minor version."""
    behind = dict(_lacking(cluster, git)) if git else {}
    crds = _crds_of_releases(cluster)
    for release in cluster.active("HelmRelease"):
        if release.text("spec.upgrade.crds", "Skip") != "Skip":
            continue
        if lacking := behind.get(release.ref):
            yield _problem(release, lacking, Severity.WARNING)
        elif release.ref in crds and (old := _untouched(release, crds[release.ref])):
            yield _problem(release, old, None)


def _lacking(cluster: Cluster, git: GitTrees) -> Iterator[tuple[Ref, tuple[str, ...]]]:
    for release, chart in charts(cluster, git):
        files = [p for p in chart.tree.under(f"{chart.path}/crds") if p.endswith((".yaml", ".yml"))]
        lacking = []
        for declared in (d for file in files for d in chart.tree.parsed(file).documents):
            live = cluster.get(Ref("CustomResourceDefinition", "", declared.name))
            if live and declared.kind == "CustomResourceDefinition":
                versions = sorted(_served(declared) - _served(live))
                if versions:
                    lacking.append(f"{live.name} lacks version {', '.join(versions)} of ./{declared.file}")
        # An installation creates all CRDs: only an upgrade can leave them behind.
        if lacking and release.number("status.history.0.version") > 1:
            yield release.ref, tuple(lacking)


def _served(crd: Resource) -> set[str]:
    return {row.text("name") for row in crd.rows("spec.versions")}


def _crds_of_releases(cluster: Cluster) -> dict[Ref, list[Resource]]:
    """Group the CRDs by the HelmRelease that created them, which is in their labels (helm-controller 1.6, action/crds.go)."""
    crds: dict[Ref, list[Resource]] = {}
    for crd in cluster.all("CustomResourceDefinition"):
        name, namespace = crd.label(f"{_LABEL}name"), crd.label(f"{_LABEL}namespace")
        if name:
            crds.setdefault(Ref("HelmRelease", namespace, name), []).append(crd)
    return crds


def _untouched(release: Resource, crds: list[Resource]) -> tuple[str, ...]:
    """Return the CRDs that have not changed since the chart had another minor version.

    CRDs in the inventory do not count: they are templates, which Helm upgrades.
    """
    history = [r for r in release.rows("status.history") if r.text("status") in ("deployed", "superseded")]
    minors = [_minor(r.text("chartVersion")) for r in history]
    if len(set(minors)) < 2:  # noqa: PLR2004 - two different versions make a change
        return ()
    upgrade = next(r for r, m in zip(reversed(history), reversed(minors), strict=True) if m != minors[-1])
    upgraded = moment(upgrade.text("lastDeployed"))
    inventory = {row.text("id").partition("_")[2].partition("_")[0] for row in release.rows("status.inventory.entries")}
    old = [
        f"{crd.name} has not changed since chart version {minors[-1]}"
        for crd in crds
        if crd.number("metadata.generation") == 1 and crd.name not in inventory and _is_older(crd, upgraded)
    ]
    return tuple(old)


def _is_older(crd: Resource, time: datetime | None) -> bool:
    created = moment(crd.text("metadata.creationTimestamp"))
    return created is not None and time is not None and created < time


def _minor(version: str) -> str:
    return ".".join(version.removeprefix("v").split("+")[0].split("-")[0].split(".")[:2])


def _problem(release: Resource, crds: tuple[str, ...], severity: Severity | None) -> Problem:
    more = f" and {len(crds) - _LISTED} more" if len(crds) > _LISTED else ""
    version = release.text("status.history.0.chartVersion")
    facts = {"version": version, "crds": "; ".join(crds[:_LISTED]) + more}
    proof = Evidence.field(f"chart {version} is deployed, spec.upgrade.crds is Skip", f"{release.ref} status.history")
    return Problem(release.ref, facts, evidence=(proof,), field="spec.upgrade.crds", severity=severity)

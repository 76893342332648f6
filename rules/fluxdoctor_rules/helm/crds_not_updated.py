"""CRDs of a chart stay as they were installed: upgrades leave them alone."""

from collections.abc import Iterator
from datetime import datetime

from fluxdoctor import Cluster, Evidence, GitTrees, Problem, Ref, Resource, Severity, moment
from fluxdoctor_rules.helm._releases import active
from fluxdoctor_rules.helm._source import charts

_LABEL = "helm.toolkit.fluxcd.io/"
_SHOWN = 3


def check(cluster: Cluster, git: GitTrees | None) -> Iterator[Problem]:
    """Tell of versions that the chart's crds/ has and the cluster lacks; else of CRDs older than a changed chart."""
    behind = dict(_lacking(cluster, git)) if git else {}
    made = _made(cluster)
    for release in active(cluster):
        if release.text("spec.upgrade.crds", "Skip") != "Skip":
            continue
        if lacking := behind.get(release.ref):
            yield _problem(release, lacking, Severity.WARNING)
        elif release.ref in made and (old := _untouched(release, made[release.ref])):
            yield _problem(release, old, None)


def _lacking(cluster: Cluster, git: GitTrees) -> Iterator[tuple[Ref, tuple[str, ...]]]:
    for release, chart in charts(cluster, git):
        files = [p for p in chart.tree.under(f"{chart.path}/crds") if p.endswith((".yaml", ".yml"))]
        found = []
        for declared in (d for file in files for d in chart.tree.parsed(file).documents):
            live = cluster.get(Ref("CustomResourceDefinition", "", declared.name))
            if live and declared.kind == "CustomResourceDefinition":
                new = sorted(_served(declared) - _served(live))
                found += [f"{live.name} lacks version {', '.join(new)} of ./{declared.file}"] if new else []
        # An installation makes all CRDs: only an upgrade can be behind.
        if found and release.number("status.history.0.version") > 1:
            yield release.ref, tuple(found)


def _served(crd: Resource) -> set[str]:
    return {row.text("name") for row in crd.rows("spec.versions")}


def _made(cluster: Cluster) -> dict[Ref, list[Resource]]:
    """Group the CRDs by the release that made them: helm-controller labels what it applies (1.6, action/crds.go)."""
    found: dict[Ref, list[Resource]] = {}
    for crd in cluster.all("CustomResourceDefinition"):
        name, namespace = crd.label(f"{_LABEL}name"), crd.label(f"{_LABEL}namespace")
        if name:
            found.setdefault(Ref("HelmRelease", namespace, name), []).append(crd)
    return found


def _untouched(release: Resource, crds: list[Resource]) -> tuple[str, ...]:
    """CRDs never changed since before the chart took another minor version; what is in the inventory is upgraded."""
    history = [r for r in release.rows("status.history") if r.text("status") in ("deployed", "superseded")]
    changes = [_minor(r.text("chartVersion")) for r in history]
    if len(set(changes)) < 2:  # noqa: PLR2004 - two different versions make a change
        return ()
    changed = next(r for r, m in zip(reversed(history), reversed(changes), strict=True) if m != changes[-1])
    at = moment(changed.text("lastDeployed"))
    listed = {row.text("id").partition("_")[2].partition("_")[0] for row in release.rows("status.inventory.entries")}
    old = [
        f"{crd.name} is unchanged since {changes[-1]}"
        for crd in crds
        if crd.number("metadata.generation") == 1 and crd.name not in listed and _before(crd, at)
    ]
    return tuple(old)


def _before(crd: Resource, at: datetime | None) -> bool:
    born = moment(crd.text("metadata.creationTimestamp"))
    return born is not None and at is not None and born < at


def _minor(version: str) -> str:
    return ".".join(version.removeprefix("v").split("+")[0].split("-")[0].split(".")[:2])


def _problem(release: Resource, found: tuple[str, ...], severity: Severity | None) -> Problem:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    version = release.text("status.history.0.chartVersion")
    facts = {"version": version, "crds": "; ".join(found[:_SHOWN]) + more}
    proof = Evidence(f"chart {version} is deployed, spec.upgrade.crds is Skip", f"{release.ref} status.history")
    return Problem(release.ref, facts, evidence=(proof,), field="spec.upgrade.crds", severity=severity)

"""A version range installed another major version, or a tag that was pushed repeatedly caused upgrade after upgrade."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Ref, Resource, semver
from fluxdoctor_rules.helm._releases import templated

_OFTEN = 3


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the history of a release: only upgrades that have happened count, not those that could."""
    for release in cluster.active("HelmRelease"):
        versions = [r.text("chartVersion") for r in release.rows("status.history") if r.text("chartVersion")]
        if len(set(versions)) < 2:  # noqa: PLR2004 - nothing has changed
            continue
        field, constraint = _constraint(release, cluster)
        if not templated(constraint) and (effect := _major_change(versions, constraint) or _pushes(versions)):
            proof = Evidence.field(f"charts {', '.join(versions)}", f"{release.ref} status.history")
            facts = {"field": field, "wanted": constraint or "not set", "effect": effect}
            yield Problem(release.ref, facts, evidence=(proof,), field=field)


def _constraint(release: Resource, cluster: Cluster) -> tuple[str, str]:
    """Return the field that selects the chart version, and the range or tag that it sets."""
    if release.has("spec.chartRef"):
        kind, name = release.text("spec.chartRef.kind"), release.text("spec.chartRef.name")
        source = cluster.get(Ref(kind, release.text("spec.chartRef.namespace") or release.namespace, name))
        semver_range = source.text("spec.ref.semver") if source else ""
        return "spec.chartRef", semver_range or (source.text("spec.ref.tag") if source else "")
    return "spec.chart.spec.version", release.text("spec.chart.spec.version", "*")


def _major_change(versions: list[str], constraint: str) -> str:
    """Return words for the latest change of the major version, if the constraint allows both versions."""
    majors = [v.removeprefix("v").partition(".")[0] for v in versions]
    if len(set(majors)) == 1:
        return ""
    try:
        allowed = semver.satisfying(constraint, versions)
    except ValueError:
        return ""
    for i in range(len(majors) - 1):
        if majors[i] != majors[i + 1] and {versions[i], versions[i + 1]} <= set(allowed):
            return f"the chart changed automatically from {versions[i + 1]} to {versions[i]}, a different major version"
    return ""


def _pushes(versions: list[str]) -> str:
    """Return words for a tag that was pushed repeatedly: one version with several digests.

    helm-controller 1.x appends the digest to the version.
    """
    heads = {v.partition("+")[0] for v in versions}
    tails = list(dict.fromkeys(v.partition("+")[2] for v in versions if "+" in v))
    if len(heads) == 1 and len(tails) >= _OFTEN:
        return (
            f"version {heads.pop()} was pushed {len(tails)} times with other content, and each push caused an upgrade"
        )
    return ""

"""A version range took another major version, or a tag that moved made upgrade after upgrade."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Ref, Resource, semver
from fluxdoctor_rules.helm._releases import active, templated

_OFTEN = 3


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read in the history what the range has done already: a possible upgrade is no finding."""
    for release in active(cluster):
        versions = [r.text("chartVersion") for r in release.rows("status.history") if r.text("chartVersion")]
        if len(set(versions)) < 2:  # noqa: PLR2004 - nothing has changed
            continue
        field, wanted = _range(release, cluster)
        if not templated(wanted) and (found := _jump(versions, wanted) or _moved(versions)):
            proof = Evidence(f"charts {', '.join(versions)}", f"{release.ref} status.history")
            facts = {"field": field, "wanted": wanted or "not set", "effect": found}
            yield Problem(release.ref, facts, evidence=(proof,), field=field)


def _range(release: Resource, cluster: Cluster) -> tuple[str, str]:
    if release.has("spec.chartRef"):
        kind, name = release.text("spec.chartRef.kind"), release.text("spec.chartRef.name")
        source = cluster.get(Ref(kind, release.text("spec.chartRef.namespace") or release.namespace, name))
        range_ = source.text("spec.ref.semver") if source else ""
        return "spec.chartRef", range_ or (source.text("spec.ref.tag") if source else "")
    return "spec.chart.spec.version", release.text("spec.chart.spec.version", "*")


def _jump(versions: list[str], wanted: str) -> str:
    """The newest change of the major version, where what is asked for allows both."""
    majors = [v.removeprefix("v").partition(".")[0] for v in versions]
    if len(set(majors)) == 1:
        return ""
    try:
        allowed = semver.satisfying(wanted, versions)
    except ValueError:
        return ""
    for i in range(len(majors) - 1):
        if majors[i] != majors[i + 1] and {versions[i], versions[i + 1]} <= set(allowed):
            return f"it took {versions[i]} after {versions[i + 1]} by itself, another major version"
    return ""


def _moved(versions: list[str]) -> str:
    """One version with several digests: the tag was pushed anew (helm-controller 1.x appends the digest)."""
    heads = {v.partition("+")[0] for v in versions}
    tails = list(dict.fromkeys(v.partition("+")[2] for v in versions if "+" in v))
    if len(heads) == 1 and len(tails) >= _OFTEN:
        return f"version {heads.pop()} was pushed {len(tails)} times with other content, and each push made an upgrade"
    return ""

"""The kubeVersion of a chart excludes the version of this cluster."""

import re
from collections.abc import Iterator

from fluxdoctor import ChartIndexes, Cluster, Evidence, Failures, Problem, semver
from fluxdoctor_rules.helm._releases import chart_source

_REFUSAL = re.compile(
    r"chart requires kubeVersion: (?P<range>.{1,300}?) which is incompatible with Kubernetes (?P<version>\S+)"
)


def check(cluster: Cluster, failures: Failures, charts: ChartIndexes | None) -> Iterator[Problem]:
    """Search the index of the repository for the newest chart version that allows the cluster's version."""
    for failure in failures.failed:
        refusal = next((m for w in failure.words if (m := _REFUSAL.search(" ".join(w.message.split())))), None)
        source, name = chart_source(failure.resource), failure.resource.text("spec.chart.spec.chart")
        offers = charts.indexes.get(source, {}).get(name, ()) if charts and failure.ref.kind == "HelmRelease" else ()
        if not refusal or not offers or cluster.get(source) is None:
            continue
        version = refusal["version"]
        if not _allows(refusal["range"], version):
            matching = [o.version for o in offers if o.kube_version and _allows(o.kube_version, version)]
            unconstrained = [o.version for o in offers if not o.kube_version]
            best = semver.newest_first([*matching, *unconstrained])
            hint = f"; {name} {best[0]} allows it" if best else ""
            facts = {"range": refusal["range"], "version": version, "hint": hint}
            proof = Evidence.field(f"{version} is not in {refusal['range']}", str(source))
            yield Problem(failure.ref, facts, evidence=(proof,), field="spec.chart.spec.version")


def _allows(constraint: str, version: str) -> bool:
    try:
        return bool(semver.satisfying(constraint, [version]))
    except ValueError:
        return True

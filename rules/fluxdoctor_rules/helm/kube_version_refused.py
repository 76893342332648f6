"""A chart's kubeVersion does not allow this cluster."""

import re
from collections.abc import Iterator

from fluxdoctor import ChartIndexes, Cluster, Evidence, Failures, Problem, semver
from fluxdoctor_rules.helm._releases import chart_source

_SAID = re.compile(r"chart requires kubeVersion: (?P<range>.+?) which is incompatible with Kubernetes (?P<version>\S+)")


def check(cluster: Cluster, failures: Failures, charts: ChartIndexes | None) -> Iterator[Problem]:
    """Look in the repository's index for the newest version of the chart that allows the cluster's version."""
    for failure in failures.failed:
        found = next((m for w in failure.words if (m := _SAID.search(" ".join(w.message.split())))), None)
        source, name = chart_source(failure.resource), failure.resource.text("spec.chart.spec.chart")
        offers = charts.indexes.get(source, {}).get(name, ()) if charts and failure.ref.kind == "HelmRelease" else ()
        if not found or not offers or cluster.get(source) is None:
            continue
        if not _allows(found["range"], found["version"]):
            fits = [o.version for o in offers if o.kube_version and _allows(o.kube_version, found["version"])]
            free = [o.version for o in offers if not o.kube_version]
            best = semver.newest_first([*fits, *free])
            hint = f"; {name} {best[0]} does not refuse it" if best else ""
            facts = {"range": found["range"], "version": found["version"], "hint": hint}
            proof = Evidence(f"{found['version']} is not in {found['range']}", str(source))
            yield Problem(failure.ref, facts, evidence=(proof,), field="spec.chart.spec.version")


def _allows(wanted: str, version: str) -> bool:
    try:
        return bool(semver.satisfying(wanted, [version]))
    except ValueError:
        return True

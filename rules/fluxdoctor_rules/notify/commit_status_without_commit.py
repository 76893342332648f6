"""An Alert that is to set a commit status, on events that know no commit."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Fields, Graph, Problem, Ref, Resource

_STATUS = ("azuredevops", "bitbucket", "bitbucketserver", "gitea", "github", "gitlab")
#: Kinds whose events carry a version or a digest, and never a commit (notification-controller 1.9).
_WITHOUT = ("Bucket", "HelmChart", "HelmRepository", "ImagePolicy", "ImageRepository", "OCIRepository")


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Judge the Alerts of commit status providers by the kinds that they watch."""
    for alert in cluster.all("Alert"):
        provider = next((cluster.get(r.target) for r in graph.needs(alert.ref, Edge.PROVIDER)), None)
        if provider is None or provider.text("spec.type") not in _STATUS or alert.flag("spec.suspend"):
            continue
        rows = alert.rows("spec.eventSources")
        if rows and not provider.has("spec.commitStatusExpr") and all(_knows_none(cluster, alert, row) for row in rows):
            kinds = ", ".join(dict.fromkeys(row.text("kind") for row in rows))
            proof = Evidence(f"{provider.ref} has type {provider.text('spec.type')}", str(provider.ref))
            facts = {"kinds": kinds, "provider": str(provider.ref)}
            yield Problem(alert.ref, facts, (proof,), field="spec.eventSources")


def _knows_none(cluster: Cluster, alert: Resource, row: Fields) -> bool:
    if row.text("kind") != "HelmRelease":
        return row.text("kind") in _WITHOUT
    release = cluster.get(Ref("HelmRelease", row.text("namespace") or alert.namespace, row.text("name")))
    return release is not None and release.text("spec.chart.spec.sourceRef.kind") == "HelmRepository"

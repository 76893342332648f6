"""An Alert sets commit statuses for events without a commit."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Fields, Graph, Problem, Ref, Resource

_STATUS = ("azuredevops", "bitbucket", "bitbucketserver", "gitea", "github", "gitlab")
#: Kinds whose events have a version or a digest but no commit (notification-controller 1.9).
_WITHOUT_COMMIT = ("Bucket", "HelmChart", "HelmRepository", "ImagePolicy", "ImageRepository", "OCIRepository")


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Check the kinds that Alerts with a commit status Provider watch."""
    for alert in cluster.active("Alert"):
        provider = next((cluster.get(r.target) for r in graph.needs(alert.ref, Edge.PROVIDER)), None)
        if provider is None or provider.text("spec.type") not in _STATUS:
            continue
        rows = alert.rows("spec.eventSources")
        if (
            rows
            and not provider.has("spec.commitStatusExpr")
            and all(_has_no_commit(cluster, alert, row) for row in rows)
        ):
            kinds = ", ".join(dict.fromkeys(row.text("kind") for row in rows))
            proof = Evidence.field(f"{provider.ref} has type {provider.text('spec.type')}", str(provider.ref))
            facts = {"kinds": kinds, "provider": str(provider.ref)}
            yield Problem(alert.ref, facts, (proof,), field="spec.eventSources")


def _has_no_commit(cluster: Cluster, alert: Resource, row: Fields) -> bool:
    if row.text("kind") != "HelmRelease":
        return row.text("kind") in _WITHOUT_COMMIT
    release = cluster.get(Ref("HelmRelease", row.text("namespace") or alert.namespace, row.text("name")))
    return release is not None and release.text("spec.chart.spec.sourceRef.kind") == "HelmRepository"

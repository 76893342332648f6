"""A manifest in git uses a Kubernetes API version that the target does not serve."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Target
from fluxdoctor_rules.shared import removed_apis
from fluxdoctor_rules.upgrade import _declared


def check(cluster: Cluster, manifests: Manifests, target: Target) -> Iterator[Problem]:
    """Look up the apiVersion of every manifest in the table of removed versions."""
    if target.kubernetes is None:
        return
    for owner, resource in _declared.objects(cluster, manifests):
        row = removed_apis.removed(
            removed_apis.KUBERNETES, resource.api_version, resource.text("kind"), target.kubernetes
        )
        if row:
            where = resource.at("apiVersion")
            facts = {
                "where": str(where),
                "object": str(resource.ref),
                "old": row.api_version,
                "since": removed_apis.text(row.since),
                "now": row.now,
            }
            yield Problem(owner, facts, (Evidence.file(f"apiVersion: {row.api_version}", str(where)),), location=where,
                          key=f"{where} {resource.ref}", field="apiVersion")  # fmt: skip

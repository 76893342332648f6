"""A manifest in git uses a Flux API version that the target does not serve."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Target, Unknown
from fluxdoctor_rules.shared import removed_apis
from fluxdoctor_rules.upgrade import _declared


def check(cluster: Cluster, manifests: Manifests, target: Target) -> Iterator[Problem | Unknown]:
    """Look up the apiVersion of every manifest in the table of removed versions."""
    if target.flux is None:
        return
    if target.flux > removed_apis.NEWEST_FLUX:
        newest = removed_apis.text(removed_apis.NEWEST_FLUX)
        for deployment in cluster.controllers("source-controller")[:1]:
            yield Unknown(
                deployment.ref, f"API versions that Flux removes after {newest} are not known to this version"
            )
    for owner, resource in _declared.objects(cluster, manifests):
        row = removed_apis.removed(removed_apis.FLUX, resource.api_version, resource.text("kind"), target.flux)
        if row:
            where = resource.at("apiVersion")
            facts = {
                "where": str(where),
                "object": str(resource.ref),
                "old": row.api_version,
                "target": removed_apis.text(target.flux),
                "now": row.now,
            }
            yield Problem(owner, facts, (Evidence.file(f"apiVersion: {row.api_version}", str(where)),), location=where,
                          key=f"{where} {resource.ref}", field="apiVersion")  # fmt: skip

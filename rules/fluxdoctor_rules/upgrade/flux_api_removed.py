"""A manifest in git uses a Flux API version that the target does not serve."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Target, Unknown
from fluxdoctor_rules.upgrade import _declared, _table


def check(cluster: Cluster, manifests: Manifests, target: Target) -> Iterator[Problem | Unknown]:
    """Look up the apiVersion of every manifest in the table of removed versions."""
    if target.flux is None:
        return
    if target.flux > _table.NEWEST_FLUX:
        newest = _table.text(_table.NEWEST_FLUX)
        for deployment in cluster.controllers("source-controller")[:1]:
            yield Unknown(
                deployment.ref, f"API versions that Flux removes after {newest} are not known to this version"
            )
    for owner, resource in _declared.objects(cluster, manifests):
        row = _table.removed(_table.FLUX, resource.api_version, resource.text("kind"), target.flux)
        if row:
            where = resource.at("apiVersion")
            facts = {
                "where": str(where),
                "object": str(resource.ref),
                "old": row.api_version,
                "target": _table.text(target.flux),
                "now": row.now,
            }
            yield Problem(owner, facts, (Evidence(f"apiVersion: {row.api_version}", str(where)),), location=where,
                          key=f"{where} {resource.ref}", field="apiVersion")  # fmt: skip

"""A Kustomization takes variables from an object that only this Kustomization creates."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem
from fluxdoctor_rules.shared.variables import sources


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Find sources of variables that do not exist and that only the Kustomization itself declares."""
    for kustomization in cluster.active("Kustomization"):
        for ref, field, optional in sources(kustomization):
            if cluster.look(ref).absent and manifests.producers(ref) == (kustomization.ref,):
                declared = manifests.definition(ref, kustomization.ref)
                facts = {
                    "wanted": str(ref),
                    "where": str(declared.at()) if declared else "its own path",
                    "effect": "so the first build has no value for these variables"
                    if optional
                    else "so the build fails and the object is never created",
                }
                yield Problem(
                    kustomization.ref, facts, field=field, location=declared.at() if declared else None, key=str(ref)
                )

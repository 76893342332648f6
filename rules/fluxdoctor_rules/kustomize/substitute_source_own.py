"""A Kustomization takes variables from an object that only it would make."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, State, state

from ._variables import sources


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look for sources of variables that are not there and that the Kustomization itself, and nobody else, declares."""
    for kustomization in cluster.all("Kustomization"):
        if state(kustomization) is State.SUSPENDED:
            continue
        for ref, field, optional in sources(kustomization):
            if cluster.look(ref).absent and manifests.producers(ref) == (kustomization.ref,):
                declared = manifests.definition(ref, kustomization.ref)
                facts = {
                    "wanted": str(ref),
                    "where": str(declared.at()) if declared else "its own path",
                    "effect": "so its variables are missing in the first build"
                    if optional
                    else "so neither comes first",
                }
                yield Problem(
                    kustomization.ref, facts, field=field, location=declared.at() if declared else None, key=str(ref)
                )

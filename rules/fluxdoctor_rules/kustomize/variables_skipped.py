"""Variables stand in the cluster as they are written, because none is defined."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Fields, Manifests, Problem, owner

from ._build import applied, live
from ._variables import defined, fields, uses


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look for a default that was not taken in what a Kustomization with an empty postBuild has applied."""
    for kustomization, build in applied(cluster, manifests):
        known = defined(kustomization, cluster) if kustomization.has("spec.postBuild") else None
        if known is None or known.names or kustomization.text("spec.postBuild.substituteStrategy") == "Always":
            continue
        for resource, path, text in fields(build):
            found = live(resource, kustomization, cluster).resource
            # A default is written for Flux; ${name} alone may be meant for a shell.
            meant = next((u for u in uses(text) if u.valid and u.rest.startswith(":=")), None)
            if meant and found and owner(found) == kustomization.ref and found.get(path) == text:
                location = resource.at(path)
                facts = {"object": str(found.ref), "text": f"${{{meant.name}{meant.rest}}}", "where": str(location)}
                field = Fields({}, path).dotted
                yield Problem(kustomization.ref, facts, field=field, location=location)
                break

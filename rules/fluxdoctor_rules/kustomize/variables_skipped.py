"""Variables are applied literally, because none is defined."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Fields, Manifests, Problem, owner
from fluxdoctor_rules.kustomize._build import applied, live
from fluxdoctor_rules.shared.variables import defined, fields, uses


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Find defaults that were not used in objects of a Kustomization that defines no variable."""
    for kustomization, build in applied(cluster, manifests):
        variables = defined(kustomization, cluster) if kustomization.has("spec.postBuild") else None
        if variables is None or variables.names or kustomization.text("spec.postBuild.substituteStrategy") == "Always":
            continue
        for resource, path, text in fields(build):
            deployed = live(resource, kustomization, cluster).resource
            # A default with := is Flux syntax; ${name} alone may be shell syntax.
            use = next((u for u in uses(text) if u.valid and u.rest.startswith(":=")), None)
            if use and deployed and owner(deployed) == kustomization.ref and deployed.get(path) == text:
                location = resource.at(path)
                facts = {"object": str(deployed.ref), "text": f"${{{use.name}{use.rest}}}", "where": str(location)}
                field = Fields({}, path).dotted
                yield Problem(kustomization.ref, facts, field=field, location=location)
                break

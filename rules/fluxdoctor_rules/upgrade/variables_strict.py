"""An undefined variable is empty today and an error in Flux 2.9."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Fields, Manifests, Problem, Target, Unknown, Versions
from fluxdoctor_rules.shared import controllers, removed_apis, variables

_GATE = "StrictPostBuildSubstitutions"


def check(cluster: Cluster, manifests: Manifests, versions: Versions, target: Target) -> Iterator[Problem | Unknown]:
    """Find variables without a value and a default, in Kustomizations with postBuild."""
    now = removed_apis.flux_now(cluster, versions)
    since = removed_apis.STRICT_SUBSTITUTION
    if target.flux is None or target.flux < since or (now is not None and now >= since):
        return
    gates = [c.gate(_GATE) for c in controllers.all_of(cluster, "kustomize-controller")]
    if any(gate is not None for gate in gates):
        return  # an explicit gate also applies after the upgrade
    for kustomization in cluster.all("Kustomization"):
        build = manifests.build(kustomization) if kustomization.has("spec.postBuild") else None
        # Since 2.9 a Kustomization can set its own strategy.
        if build is None or kustomization.has("spec.postBuild.substituteStrategy"):
            continue
        definitions = variables.defined(kustomization, cluster)
        names: set[str] = set()
        for resource, path, text in variables.fields(build):
            for use in variables.uses(text):
                if not use.needs_value or use.name in names or (definitions and use.name in definitions.names):
                    continue
                names.add(use.name)
                if definitions is None:
                    yield Unknown(
                        kustomization.ref,
                        f"cannot tell if {use.name} is defined: an object in substituteFrom was not collected",
                    )
                elif definitions.names:
                    where = resource.at(path)
                    facts = {"where": str(where), "variable": use.name, "target": removed_apis.text(target.flux)}
                    yield Problem(kustomization.ref, facts, (Evidence.file(f"${{{use.name}}}", str(where)),), location=where,
                                  key=use.name, field=Fields({}, path).dotted)  # fmt: skip

"""A value of several lines goes into a manifest as one line."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Resource, State, state

from ._variables import fields, sources, uses


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Flux takes the line breaks out of every variable (fluxcd/pkg kustomize): look for such values that are used."""
    for kustomization in cluster.all("Kustomization"):
        lines = dict(_multiline(kustomization, cluster))
        build = manifests.build(kustomization) if lines and state(kustomization) is not State.SUSPENDED else None
        seen: set[str] = set()
        for resource, path, text in fields(build) if build else ():
            for use in uses(text):
                if use.name in lines and use.name not in seen:
                    seen.add(use.name)
                    place = resource.at(path)
                    facts = {"variable": use.name, "source": lines[use.name], "where": str(place)}
                    proof = Evidence(f"{use.name} has several lines", lines[use.name])
                    yield Problem(
                        kustomization.ref,
                        facts,
                        evidence=(proof,),
                        field="spec.postBuild",
                        location=place,
                        key=use.name,
                    )


def _multiline(kustomization: Resource, cluster: Cluster) -> Iterator[tuple[str, str]]:
    for ref, _, _ in sources(kustomization):
        found = cluster.get(ref)
        for key, value in found.items("data") if found and ref.kind == "ConfigMap" else ():
            if "\n" in value.strip("\n"):
                yield key, str(ref)
    for key, value in kustomization.items("spec.postBuild.substitute"):
        if "\n" in value.strip("\n"):
            yield key, "spec.postBuild.substitute"

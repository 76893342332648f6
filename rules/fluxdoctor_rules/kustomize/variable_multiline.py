"""A value of several lines is inserted into a manifest as one line."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Resource
from fluxdoctor_rules.shared.variables import fields, sources, uses


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Find values with line breaks that manifests use. Flux removes the line breaks (fluxcd/pkg kustomize)."""
    for kustomization in cluster.active("Kustomization"):
        lines = dict(_multiline(kustomization, cluster))
        build = manifests.build(kustomization) if lines else None
        reported: set[str] = set()
        for resource, path, text in fields(build) if build else ():
            for use in uses(text):
                if use.name in lines and use.name not in reported:
                    reported.add(use.name)
                    place = resource.at(path)
                    facts = {"variable": use.name, "source": lines[use.name], "where": str(place)}
                    proof = Evidence.field(f"{use.name} has several lines", lines[use.name])
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
        source = cluster.get(ref)
        for key, value in source.items("data") if source and ref.kind == "ConfigMap" else ():
            if "\n" in value.strip("\n"):
                yield key, str(ref)
    for key, value in kustomization.items("spec.postBuild.substitute"):
        if "\n" in value.strip("\n"):
            yield key, "spec.postBuild.substitute"

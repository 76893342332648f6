"""A document of a build is not a Kubernetes object."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem, Resource
from fluxdoctor_rules.kustomize._build import unbuilt
from fluxdoctor_rules.shared.variables import is_generated


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Report the first document without apiVersion, kind or metadata.name, as kustomize does."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        flawed = [(resource, lacking) for resource in build.objects if (lacking := _lacking(resource))]
        if flawed:
            resource, lacking = flawed[0]
            location = resource.at(lacking)
            count = len(flawed) - 1
            more = f" ({count} more incomplete object{'s' if count > 1 else ''})" if count else ""
            yield Problem(
                kustomization.ref,
                {"where": str(location), "lacking": lacking, "more": more},
                field=lacking,
                location=location,
                key=f"{resource.file} {resource.name} {lacking}",
                shared=f"{manifests.source(kustomization)} {location} {lacking}",
            )


def _lacking(resource: Resource) -> str:
    if is_generated(resource):
        return ""
    return next((field for field in ("apiVersion", "kind", "metadata.name") if not resource.has(field)), "")

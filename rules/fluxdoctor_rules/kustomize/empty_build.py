"""A field that the controller ignores leaves a Kustomization without objects."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Location, Manifests, Problem, Resource, suggestion
from fluxdoctor_rules.kustomize._build import applied, is_root, similar_fields, unknown


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Report unknown fields in the kustomization file of spec.path if the build and the inventory are empty."""
    for kustomization, build in applied(cluster, manifests):
        if build.objects or not build.complete or kustomization.rows("status.inventory.entries"):
            continue
        for body in build.kustomizations:
            if is_root(body, kustomization) and not kustomization.strings("spec.components"):
                yield from _ignored(kustomization, body)


def _ignored(kustomization: Resource, body: Resource) -> Iterator[Problem]:
    for key in unknown(body):
        similar = similar_fields(key)
        location = body.at((key,)) or Location(body.file)
        facts = {
            "where": str(location),
            "wrong": key,
            "meant": suggestion(similar),
            "instead": f" (for example {similar[0]})" if similar else "",
            "fate": "deleted" if kustomization.flag("spec.prune") else "no longer managed",
        }
        yield Problem(kustomization.ref, facts, field=key, location=location, key=key)

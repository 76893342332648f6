"""A field that the controller drops leaves a Kustomization without objects."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Location, Manifests, Problem, Resource

from ._build import FIELDS, applied, is_root, unknown


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look for unknown fields in the kustomization file of spec.path where nothing is declared and nothing is applied."""
    for kustomization, build in applied(cluster, manifests):
        if build.objects or not build.complete or kustomization.rows("status.inventory.entries"):
            continue
        for body in build.kustomizations:
            if is_root(body, kustomization) and not kustomization.strings("spec.components"):
                yield from _ignored(kustomization, body)


def _ignored(kustomization: Resource, body: Resource) -> Iterator[Problem]:
    for key in unknown(body):
        near = difflib.get_close_matches(key.lower(), FIELDS, 1, 0.7)
        location = body.at((key,)) or Location(body.file)
        facts = {
            "where": str(location),
            "wrong": key,
            "meant": f"; {FIELDS[near[0]]} is meant" if near else "",
            "instead": f" to {FIELDS[near[0]]}" if near else "",
            "fate": "deleted" if kustomization.flag("spec.prune") else "left behind",
        }
        yield Problem(kustomization.ref, facts, field=key, location=location, key=key)

"""A kustomization.yaml lists a directory that has no kustomization.yaml."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem
from fluxdoctor_rules.kustomize._build import unbuilt


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Check the directories that the kustomization files list."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        source = manifests.source(kustomization)
        for entry in build.bare:
            yield Problem(
                kustomization.ref,
                {"where": str(entry.location), "entry": entry.text, "source": source},
                field=entry.field,
                location=entry.location,
                key=f"{entry.location.file} {entry.text}",
                shared=f"{source} {entry.location.file} {entry.text}",
            )

"""A kustomization file inflates a Helm chart."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem
from fluxdoctor_rules.kustomize._build import unbuilt


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Report the fields that require --enable-helm."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        for body in build.kustomizations:
            for key in ("helmCharts", "helmChartInflationGenerator"):
                if body.rows(key):
                    location = body.at((key,))
                    shared = f"{manifests.source(kustomization)} {body.file}"
                    facts = {"where": str(location)}
                    yield Problem(kustomization.ref, facts, field=key, location=location, key=body.file, shared=shared)

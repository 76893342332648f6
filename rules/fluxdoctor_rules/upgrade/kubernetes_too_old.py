"""The target Flux needs a newer Kubernetes."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Target, Versions
from fluxdoctor_rules.shared import removed_apis


def check(cluster: Cluster, versions: Versions, target: Target) -> Iterator[Problem]:
    """Compare the target version of Kubernetes, or else the present one, with the minimum of flux check."""
    kubernetes = target.kubernetes or versions.of("kubernetes")
    oldest = removed_apis.OLDEST_KUBERNETES.get(target.flux) if target.flux else None
    if oldest and kubernetes and kubernetes < oldest and target.flux:
        for deployment in cluster.controllers("source-controller")[:1]:
            facts = {
                "flux": removed_apis.text(target.flux),
                "oldest": removed_apis.text(oldest),
                "have": removed_apis.text(kubernetes),
            }
            yield Problem(
                deployment.ref,
                facts,
                (Evidence.field(f"Kubernetes {removed_apis.text(kubernetes)}", "versions"),),
            )

"""The kubeconfig of the target cluster of a HelmRelease does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the Secret or ConfigMap of spec.kubeConfig."""
    for result in missing.references(cluster, ("HelmRelease",), Edge.KUBE_CONFIG):
        if isinstance(result, Unknown):
            yield result
        else:
            yield result.problem({"detail": f"{result.target} does not exist{result.hint}"}, field="spec.kubeConfig")

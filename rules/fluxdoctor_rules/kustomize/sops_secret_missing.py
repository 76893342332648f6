"""The Secret of spec.decryption.secretRef does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the decryption Secret of every Kustomization."""
    for result in missing.references(cluster, ("Kustomization",), Edge.DECRYPTION):
        yield result if isinstance(result, Unknown) else result.problem({"name": result.target.name})

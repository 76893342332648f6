"""A source that refers to a Secret that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing, references

_KINDS = ("Bucket", "GitRepository", "HelmRelease", "HelmRepository", "OCIRepository")
_SECRETS = (Edge.SECRET, Edge.CERT_SECRET, Edge.PROXY_SECRET, Edge.VERIFY)


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up every Secret that a source refers to; for a HelmRelease, the Secret that verifies its chart."""
    for result in missing.references(cluster, _KINDS, *_SECRETS):
        yield result if isinstance(result, Unknown) else _problem(result)


def _problem(result: missing.Missing) -> Problem:
    target = result.target
    charts = tuple(r.target for r in references(result.owner) if r.edge is Edge.HELM_CHART)
    return result.problem(
        {"namespace": target.namespace, "name": target.name},
        key=result.reference.field,
        explains=charts,
        shared=str(target),
    )

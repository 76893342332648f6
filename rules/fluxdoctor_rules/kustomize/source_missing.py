"""The source of a Kustomization does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing

_KINDS = ("GitRepository", "OCIRepository", "Bucket", "ExternalArtifact")


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up every source. A wrong namespace or kind is more likely than a wrong name."""
    for result in missing.references(cluster, ("Kustomization",), Edge.SOURCE, also=_KINDS):
        yield result if isinstance(result, Unknown) else result.problem({"source": result.target}, field=_field(result))


def _field(result: missing.Missing) -> str:
    """Return the field to change: a namesake elsewhere or of another kind tells which one is wrong."""
    if result.namespaces:
        return "spec.sourceRef.namespace" if result.owner.has("spec.sourceRef.namespace") else "spec.sourceRef"
    return "spec.sourceRef.kind" if result.namesakes else "spec.sourceRef.name"

"""A source that refers to a Secret that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Ref, Reference, Resource, State, did_you_mean, references, state

_KINDS = ("Bucket", "GitRepository", "HelmRelease", "HelmRepository", "OCIRepository")
_SECRETS = (Edge.SECRET, Edge.CERT_SECRET, Edge.PROXY_SECRET, Edge.VERIFY)


def check(cluster: Cluster) -> Iterator[Problem]:
    """Look up every Secret that a source refers to; for a HelmRelease, the Secret that verifies its chart."""
    for resource in cluster.all(*_KINDS):
        if state(resource) is State.SUSPENDED:
            continue
        for reference in references(resource):
            if reference.edge in _SECRETS and not reference.optional and cluster.look(reference.target).absent:
                yield _problem(cluster, resource, reference)


def _problem(cluster: Cluster, resource: Resource, reference: Reference) -> Problem:
    target = reference.target
    facts = {
        "namespace": target.namespace,
        "name": target.name,
        "reference": reference.field,
        "hint": _hint(cluster, target),
    }
    charts = tuple(r.target for r in references(resource) if r.edge is Edge.HELM_CHART)
    return Problem(
        resource.ref,
        facts,
        field=f"{reference.field}.name",
        key=reference.field,
        explains=charts,
        shared=str(target),
        missing=target,
    )


def _hint(cluster: Cluster, target: Ref) -> str:
    elsewhere = [r.ref for r in cluster.all("Secret") if r.name == target.name]
    if elsewhere:
        return f"; {elsewhere[0]} exists, but a source cannot use a Secret of another namespace"
    return did_you_mean(target.name, cluster.names("Secret", target.namespace))

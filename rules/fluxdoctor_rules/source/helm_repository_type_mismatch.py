"""The scheme of a HelmRepository's URL does not go with its type."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Type oci needs oci://, the default type needs http(s)://: no chart can be read otherwise."""
    for repository in cluster.all("HelmRepository"):
        url, type_ = repository.text("spec.url"), repository.text("spec.type") or "default"
        is_oci = url.startswith("oci://")
        if not url or is_oci == (type_ == "oci") or state(repository) is State.SUSPENDED:
            continue
        change = "set spec.type to oci" if is_oci else "remove spec.type: oci, or write an oci:// URL"
        users = tuple(ref for ref, _ in graph.needed_by(repository.ref, Edge.SOURCE))
        charts = tuple(r.target for user in users for r in graph.needs(user, Edge.HELM_CHART))
        facts = {"url": url, "type": type_, "change": change}
        yield Problem(repository.ref, facts, field="spec.type", explains=(*users, *charts))

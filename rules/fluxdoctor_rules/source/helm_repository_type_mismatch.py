"""A HelmRepository whose URL scheme does not match its type."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Compare scheme and type: type oci requires oci://, the default type requires http(s)://."""
    for repository in cluster.active("HelmRepository"):
        url, type_ = repository.text("spec.url"), repository.text("spec.type") or "default"
        is_oci = url.startswith("oci://")
        if not url or is_oci == (type_ == "oci"):
            continue
        change = "set spec.type to oci" if is_oci else "remove spec.type or set an oci:// URL"
        users = tuple(ref for ref, _ in graph.needed_by(repository.ref, Edge.SOURCE))
        charts = tuple(r.target for user in users for r in graph.needs(user, Edge.HELM_CHART))
        facts = {"url": url, "type": type_, "change": change}
        yield Problem(repository.ref, facts, field="spec.type", explains=(*users, *charts))

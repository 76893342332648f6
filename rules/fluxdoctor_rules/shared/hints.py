"""Hints at the object that a reference to a missing one may mean."""

from fluxdoctor import Cluster, Ref, did_you_mean, suggestion

_MOST = 3


def alternatives(cluster: Cluster, target: Ref, *kinds: str) -> str:
    """Return the hint for a missing object: objects of its name elsewhere, else similar names in its own namespace.

    ``kinds``: further kinds to search for the same name.
    """
    namesakes = [str(r.ref) for r in cluster.all(target.kind, *kinds) if r.name == target.name]
    return suggestion(namesakes[:_MOST]) or did_you_mean(target.name, cluster.names(target.kind, target.namespace))

"""The name that was meant, for a sentence."""

import difflib

from fluxdoctor import Cluster, Ref


def near(cluster: Cluster, wanted: Ref) -> str:
    """Say in which namespace there is one of that name, or which name is nearest, or nothing."""
    elsewhere = [r.namespace for r in cluster.all(wanted.kind) if r.name == wanted.name]
    if elsewhere:
        return f"; one of that name is in namespace {elsewhere[0]}"
    close = difflib.get_close_matches(wanted.name, cluster.names(wanted.kind, wanted.namespace), 1, 0.6)
    return f"; the nearest name is {close[0]}" if close else ""

"""The hint about the object that a wrong reference may mean."""

from fluxdoctor import Cluster, Ref, did_you_mean


def near(cluster: Cluster, target: Ref) -> str:
    """Return the hint: an object of that name in another namespace, else similar names in the namespace, else ""."""
    elsewhere = [r.namespace for r in cluster.all(target.kind) if r.name == target.name]
    if elsewhere:
        return f"; it exists in namespace {elsewhere[0]}"
    return did_you_mean(target.name, cluster.names(target.kind, target.namespace))

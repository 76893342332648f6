"""The Secret of spec.proxySecretRef has no address."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, state

from ._secrets import filled, held, referred

_KINDS = ("Bucket", "GitRepository", "OCIRepository")


def check(cluster: Cluster) -> Iterator[Problem]:
    """The key address is all that a proxy needs."""
    for resource in cluster.all(*_KINDS):
        found = referred(cluster, resource, "spec.proxySecretRef")
        if (
            found
            and found.resource
            and not filled(found.resource, "address")
            and state(resource) is not State.SUSPENDED
        ):
            facts = {"secret": found.resource.ref.named, "lack": f"no address; {held(found.resource)}"}
            yield Problem(resource.ref, facts, field="spec.proxySecretRef", shared=str(found.resource.ref))

"""References of HelmReleases to objects that do not exist, and how to fix them."""

from collections.abc import Iterator, Sequence

from fluxdoctor import Cluster, Edge, Unknown, missing
from fluxdoctor_rules.helm._releases import templated


def missing_of(
    cluster: Cluster,
    *edges: Edge,
    kinds: Sequence[str] = ("HelmRelease",),
    also: Sequence[str] = (),
    only: missing.Policy = missing.always,
    unknown: missing.Policy = missing.when_failed,
) -> Iterator[missing.Missing | Unknown]:
    """Yield what missing.references does, without the references that still have a variable."""
    for result in missing.references(cluster, kinds, *edges, also=also, only=only, unknown=unknown):
        if isinstance(result, Unknown) or not templated(str(result.target)):
            yield result


def correction(result: missing.Missing, fallback: str) -> dict[str, str]:
    """Return the facts ``field``, the one to change, and ``value``, its new value; ``fallback`` if no value is known."""
    if result.namespaces and result.reference.crosses:
        return {"field": f"{result.reference.field}.namespace", "value": " or ".join(result.namespaces)}
    return {"field": f"{result.reference.field}.name", "value": " or ".join(result.similar) or fallback}

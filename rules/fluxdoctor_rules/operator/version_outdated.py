"""flux-operator reports that a newer Flux version is available."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the event that flux-operator 0.58 sends about its FluxInstance."""
    for instance in cluster.active("FluxInstance"):
        event = next((e for e in cluster.events(instance.ref) if e.reason == "OutdatedVersion"), None)
        if event:
            text = " ".join(event.message.split())
            yield Problem(
                instance.ref,
                {"said": text},
                (Evidence.event(text, f"{instance.ref} event"),),
                field="spec.distribution.version",
            )

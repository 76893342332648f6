"""A source that answers the controller but not the probe of fluxdoctor."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Probes, Problem, State, probe_text, state

_KINDS = ("Bucket", "GitRepository", "HelmRepository", "OCIRepository")


def check(cluster: Cluster, probes: Probes | None) -> Iterator[Problem]:
    """Report Ready sources whose probe failed: not an error, because the controller uses another network."""
    for source in cluster.active(*_KINDS) if probes else ():
        probe = probes.of(source.ref) if probes else None
        if probe and probe_text.failed(probe) and state(source) is State.READY:
            facts = {"target": probe.target, "said": probe_text.words(probe)}
            host = probe.target.partition("://")[2].partition("/")[0]
            yield Problem(
                source.ref, facts, field="spec.url", shared=f"{host} {probe.answer}", confidence=Confidence.PROVEN
            )

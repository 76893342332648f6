"""A Flux release that gets no fixes any more."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem
from fluxdoctor_rules.cluster import _controllers

_SUPPORTED = 3


def check(cluster: Cluster) -> Iterator[Problem]:
    """The Flux project supports the three newest minor releases; the newest that these rules know is 2.9."""
    for controller in _controllers.all_of(cluster, "source-controller"):
        if controller.flux is not None and controller.flux <= _controllers.NEWEST - _SUPPORTED:
            oldest = _controllers.NEWEST - _SUPPORTED + 1
            facts = {"release": f"2.{controller.flux}", "oldest": f"2.{oldest}"}
            proof = Evidence(f"image {controller.image}", str(controller.deployment.ref))
            yield Problem(controller.deployment.ref, facts, (proof,), shared="release")

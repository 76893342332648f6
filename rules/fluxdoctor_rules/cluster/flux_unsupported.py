"""A Flux release that no longer gets fixes."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem
from fluxdoctor_rules.shared import controllers

_SUPPORTED = 3


def check(cluster: Cluster) -> Iterator[Problem]:
    """Report releases older than the three newest minor releases, which Flux supports; these rules know up to 2.9."""
    for controller in controllers.all_of(cluster, "source-controller"):
        if controller.flux is not None and controller.flux <= controllers.NEWEST - _SUPPORTED:
            oldest = controllers.NEWEST - _SUPPORTED + 1
            facts = {"release": f"2.{controller.flux}", "oldest": f"2.{oldest}"}
            proof = Evidence.field(f"image {controller.image}", str(controller.deployment.ref))
            yield Problem(controller.deployment.ref, facts, (proof,), shared="release")

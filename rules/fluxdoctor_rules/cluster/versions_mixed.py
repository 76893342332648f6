"""Controllers of different Flux releases in one namespace."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem
from fluxdoctor_rules.shared import controllers
from fluxdoctor_rules.shared.controllers import Controller


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the Flux releases of the images in each namespace. Images without a known version are left out."""
    spaces: dict[str, list[Controller]] = {}
    for name in controllers.RELEASES:
        for controller in controllers.all_of(cluster, name):
            if controller.flux is not None:
                spaces.setdefault(controller.deployment.namespace, []).append(controller)
    for _, deployments in sorted(spaces.items()):
        newest = max(c.flux or 0 for c in deployments)
        behind = [c for c in deployments if c.flux != newest]
        if behind:
            first = min(behind, key=lambda c: (c.flux or 0, c.name))
            names = ", ".join(f"{c.name} of 2.{c.flux}" for c in behind)
            proof = tuple(Evidence.field(f"image {c.image}", str(c.deployment.ref)) for c in behind)
            facts = {"behind": names, "newest": f"2.{newest}"}
            yield Problem(first.deployment.ref, facts, proof, field="spec.template.spec.containers")

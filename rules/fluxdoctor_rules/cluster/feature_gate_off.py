"""A feature gate that an object needs is not on in its controller."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem
from fluxdoctor_rules.cluster import _controllers

_SAID = re.compile(r"please enable the (?P<a>[A-Za-z]+) feature gate|(?P<b>[A-Za-z]+) feature gate is disabled")
_CONTROLLERS = {
    "Kustomization": "kustomize-controller",
    "HelmRelease": "helm-controller",
    "ImageRepository": "image-reflector-controller",
}


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Confirm what the controller says in its arguments, where they were read."""
    for failure in failures.failed:
        said = (w.message for w in failure.words if "feature gate" in w.message)
        found = next((m for text in said if (m := _SAID.search(text))), None)
        name = _CONTROLLERS.get(failure.ref.kind, "source-controller")
        for controller in _controllers.all_of(cluster, name) if found else ():
            gate = (found["a"] or found["b"]) if found else ""
            if controller.arguments and not controller.gate(gate) and controller.watches(failure.resource):
                given = controller.flag("feature-gates") or "not given"
                proof = Evidence(f"--feature-gates: {given}", str(controller.deployment.ref))
                yield Problem(failure.ref, {"gate": gate}, (proof,), shared=gate)
                break

"""A feature gate that an object needs is disabled in its controller."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, controller_of
from fluxdoctor_rules.shared import controllers

_MESSAGE = re.compile(
    r"please enable the (?P<a>[A-Za-z]+) feature gate|(?<![A-Za-z])(?P<b>[A-Za-z]++) feature gate is disabled"
)


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Confirm the message of the controller with its arguments, if they were read."""
    for failure in failures.failed:
        messages = (w.message for w in failure.words if "feature gate" in w.message)
        match = next((m for text in messages if (m := _MESSAGE.search(text))), None)
        name = controller_of(failure.ref.kind)
        for controller in controllers.all_of(cluster, name) if match else ():
            gate = (match["a"] or match["b"]) if match else ""
            if controller.arguments and not controller.gate(gate) and controller.watches(failure.resource):
                gates = controller.flag("feature-gates") or "not set"
                proof = Evidence.field(f"--feature-gates: {gates}", str(controller.deployment.ref))
                yield Problem(failure.ref, {"gate": gate}, (proof,), shared=gate)
                break

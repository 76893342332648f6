"""A controller is given default service accounts, and the feature gate that they need is not on."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem
from fluxdoctor_rules.cluster import _controllers

_GATE = "ObjectLevelWorkloadIdentity"
#: --default-service-account of kustomize- and helm-controller is for impersonation, and needs no gate.
_FLAGS = {
    "source-controller": ("default-service-account",),
    "image-reflector-controller": ("default-service-account",),
    "image-automation-controller": ("default-service-account",),
    "notification-controller": ("default-service-account",),
    "kustomize-controller": ("default-decryption-service-account", "default-kubeconfig-service-account"),
    "helm-controller": ("default-kubeconfig-service-account",),
}


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the arguments: with such a flag and without the gate the controller does not start (fluxcd/pkg auth)."""
    for name, flags in _FLAGS.items():
        for controller in _controllers.all_of(cluster, name):
            given = [f for f in flags if controller.flag(f)]
            if given and not controller.gate(_GATE):
                proof = Evidence(f"--{given[0]}={controller.flag(given[0])}", str(controller.deployment.ref))
                facts = {"flag": f"--{given[0]}", "gate": _GATE}
                yield Problem(controller.deployment.ref, facts, (proof,), field="spec.template.spec.containers")

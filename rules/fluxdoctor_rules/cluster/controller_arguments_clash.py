"""A controller has a flag for default service accounts without the feature gate that the flag needs."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem
from fluxdoctor_rules.shared import controllers

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
    """Read the arguments. With such a flag and without the gate the controller does not start (fluxcd/pkg auth)."""
    for name, flags in _FLAGS.items():
        for controller in controllers.all_of(cluster, name):
            flag = next((f for f in flags if controller.flag(f)), "")
            if flag and not controller.gate(_GATE):
                proof = Evidence.field(f"--{flag}={controller.flag(flag)}", str(controller.deployment.ref))
                facts = {"flag": f"--{flag}", "gate": _GATE}
                yield Problem(controller.deployment.ref, facts, (proof,), field="spec.template.spec.containers")

"""The default service account of a controller does not exist in the namespace of an object."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref, Unknown, controller_of
from fluxdoctor_rules.shared import controllers

_FLAGS = ("default-service-account", "default-kubeconfig-service-account", "default-decryption-service-account")
_MESSAGE = "specified default service account does not exist"


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem | Unknown]:
    """Read the flag of the controller and look up the account."""
    for failure in failures.failed:
        if not any(_MESSAGE in w.message for w in failure.words):
            continue
        name = controller_of(failure.ref.kind)
        for controller in controllers.all_of(cluster, name):
            for flag in _FLAGS:
                account = Ref("ServiceAccount", failure.ref.namespace, controller.flag(flag) or "")
                lookup = cluster.look(account) if account.name else None
                if lookup and lookup.unknown:
                    yield lookup.as_unknown(failure.ref)
                elif lookup and lookup.absent:
                    proof = Evidence.field(f"--{flag}={account.name}", str(controller.deployment.ref))
                    facts = {"account": str(account), "flag": f"--{flag}"}
                    yield Problem(failure.ref, facts, (proof,), shared=str(account), missing=account)
                    break

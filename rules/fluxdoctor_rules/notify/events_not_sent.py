"""A controller does not send its events, so no Alert receives events about its objects."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Ref, Unknown
from fluxdoctor_rules.shared import controllers
from fluxdoctor_rules.shared.controllers import Controller

_SENDERS = (
    "helm-controller", "image-automation-controller", "image-reflector-controller", "kustomize-controller", "source-controller",
)  # fmt: skip
_FLAG = "events-addr"


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Check --events-addr if there are Alerts: it is empty by default, and set in the manifests of Flux."""
    if not cluster.all("Alert"):
        return
    for name in _SENDERS:
        for controller in controllers.all_of(cluster, name):
            what = _flaw(cluster, controller) if controller.arguments else ""
            if isinstance(what, Unknown):
                yield what
            elif what:
                proof = Evidence.field(
                    f"--{_FLAG}: {controller.flag(_FLAG) or 'not set'}",
                    str(controller.deployment.ref),
                )
                yield Problem(
                    controller.deployment.ref, {"what": what}, (proof,), field="spec.template.spec.containers"
                )


def _flaw(cluster: Cluster, controller: Controller) -> str | Unknown:
    address = controller.flag(_FLAG)
    if not address:
        return "has no --events-addr"
    host = address.partition("://")[2].partition("/")[0].partition(":")[0]
    name, _, rest = host.partition(".")
    space = rest.partition(".")[0].replace("$(RUNTIME_NAMESPACE)", controller.deployment.namespace)
    in_cluster = rest.partition(".")[2].startswith("svc") or not rest
    service = Ref("Service", space or controller.deployment.namespace, name)
    lookup = cluster.look(service) if in_cluster else None
    if lookup and lookup.unknown:
        return lookup.as_unknown(controller.deployment.ref)
    if lookup and lookup.absent:
        return f"sends its events to {service}, which does not exist"
    return ""

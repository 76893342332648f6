"""An Ingress routes webhooks to the wrong Service, or from another path than that of the Receiver."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Fields, Problem, Ref, Resource

_RIGHT, _WRONG = "webhook-receiver", "notification-controller"


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the paths of the Ingresses in the namespace of notification-controller with status.webhookPath."""
    namespaces = {d.namespace for d in cluster.controllers(_WRONG)}
    hooks = tuple(p for r in cluster.active("Receiver") if (p := r.text("status.webhookPath")))
    for ingress in cluster.all("Ingress"):
        if ingress.namespace not in namespaces or not hooks:
            continue
        paths = tuple(p for rule in ingress.rows("spec.rules") for p in rule.rows("http.paths"))
        wrong = [p for p in paths if p.text("backend.service.name") == _WRONG]
        right = [p for p in paths if p.text("backend.service.name") == _RIGHT]
        if wrong and not right:
            service = Ref("Service", ingress.namespace, _WRONG)
            facts = {"what": f"routes webhooks to {service}, which accepts events and returns 404"}
            yield _problem(ingress, wrong[0], facts)
        elif right and not _rewrites(ingress) and not any(_matches(p, hook) for p in right for hook in hooks):
            path = right[0].text("path")
            facts = {"what": f"routes {path}, but the webhook path of the Receiver is {hooks[0][:12]}..."}
            yield _problem(ingress, right[0], facts)


def _problem(ingress: Resource, row: Fields, facts: dict[str, str]) -> Problem:
    backend = f"{row.text('path', '/')} -> {row.text('backend.service.name')}"
    return Problem(ingress.ref, facts, (Evidence.field(backend, str(ingress.ref)),), field=row.dotted)


def _rewrites(ingress: Resource) -> bool:
    return any("rewrite" in k or "snippet" in k or "middleware" in k for k in ingress.keys("metadata.annotations"))


def _matches(row: Fields, hook: str) -> bool:
    path = row.text("path", "/")
    if row.text("pathType") == "Exact":
        return path == hook
    # The syntax of a pattern depends on the Ingress controller, so a pattern counts as a match.
    return hook.startswith(path) or any(c in path for c in "*(^$[")

"""Objects of a release have the target namespace in their names, and something asks for them without."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Graph, Problem, Ref, Resource, release_name
from fluxdoctor_rules.helm._releases import active


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Look for references to NAME where only TARGET-NAME is there: from Ingresses, autoscalers and health checks."""
    asked = dict(_asked(cluster, graph))
    for release in active(cluster):
        target = release.text("spec.targetNamespace")
        if not target or release.has("spec.releaseName") or release.has("spec.kubeConfig"):
            continue
        for made in dict.fromkeys(r.target for r in graph.needs(release.ref, Edge.APPLIES)):
            short = Ref(made.kind, made.namespace, made.name.removeprefix(f"{target}-"))
            if short != made and made.namespace == target and short in asked and cluster.look(short).absent:
                yield _problem(release, made, short, asked[short])


def _asked(cluster: Cluster, graph: Graph) -> Iterator[tuple[Ref, tuple[Ref, str]]]:
    for scaler in cluster.all("HorizontalPodAutoscaler"):
        row = scaler.fields("spec.scaleTargetRef")
        yield Ref(row.text("kind"), scaler.namespace, row.text("name")), (scaler.ref, row.dotted)
    for ingress in cluster.all("Ingress"):
        paths = [p for rule in ingress.rows("spec.rules") for p in rule.rows("http.paths")]
        services = [(p.text("backend.service.name"), p.dotted) for p in paths]
        services.append((ingress.text("spec.defaultBackend.service.name"), "spec.defaultBackend"))
        for name, field in services:
            if name:
                yield Ref("Service", ingress.namespace, name), (ingress.ref, field)
    for kustomization in cluster.all("Kustomization"):
        if not kustomization.has("spec.kubeConfig"):
            for need in graph.needs(kustomization.ref, Edge.HEALTH):
                yield need.target, (kustomization.ref, need.field)


def _problem(release: Resource, made: Ref, short: Ref, by: tuple[Ref, str]) -> Problem:
    who, field = by
    facts = {
        "made": str(made),
        "release": release_name(release),
        "short": str(short),
        "who": str(who),
        "name": release.name,
    }
    proof = Evidence(f"{field} names {short}, which does not exist", str(who))
    return Problem(release.ref, facts, evidence=(proof,), field="spec.releaseName", explains=(who,), key=str(short))

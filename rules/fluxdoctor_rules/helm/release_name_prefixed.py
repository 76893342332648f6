"""Objects of a release have the target namespace as a prefix, and another object refers to them without it."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Graph, Problem, Ref, Resource, release_name


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Report references to NAME by Ingresses, autoscalers and health checks if only TARGETNAMESPACE-NAME exists."""
    references = dict(_references(cluster, graph))
    for release in cluster.active("HelmRelease"):
        target = release.text("spec.targetNamespace")
        if not target or release.has("spec.releaseName") or release.has("spec.kubeConfig"):
            continue
        for ref in dict.fromkeys(r.target for r in graph.needs(release.ref, Edge.APPLIES)):
            short = Ref(ref.kind, ref.namespace, ref.name.removeprefix(f"{target}-"))
            is_prefixed = short != ref and ref.namespace == target
            if is_prefixed and short in references and cluster.look(short).absent:
                yield _problem(release, ref, short, references[short])


def _references(cluster: Cluster, graph: Graph) -> Iterator[tuple[Ref, tuple[Ref, str]]]:
    """Yield each target with the object that refers to it and the field that does."""
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
    for kustomization in cluster.active("Kustomization"):
        if not kustomization.has("spec.kubeConfig"):
            for need in graph.needs(kustomization.ref, Edge.HEALTH):
                yield need.target, (kustomization.ref, need.field)


def _problem(release: Resource, prefixed: Ref, short: Ref, reference: tuple[Ref, str]) -> Problem:
    consumer, field = reference
    facts = {
        "made": str(prefixed),
        "release": release_name(release),
        "short": str(short),
        "who": str(consumer),
        "name": release.name,
    }
    proof = Evidence.field(f"{field} refers to {short}, which does not exist", str(consumer))
    return Problem(
        release.ref, facts, evidence=(proof,), field="spec.releaseName", explains=(consumer,), key=str(short)
    )

"""The next reconciliation uninstalls a release because its name, namespace or chart name has changed."""

from collections.abc import Iterator

from fluxdoctor import (
    Cluster,
    Evidence,
    Graph,
    Manifests,
    Problem,
    Ref,
    Resource,
    is_terminating,
    release_name,
    release_namespace,
    revision,
    storage_namespace,
)
from fluxdoctor_rules.helm._releases import templated

_FIELDS = ("spec.releaseName", "spec.targetNamespace", "spec.storageNamespace")


def check(cluster: Cluster, graph: Graph, manifests: Manifests | None) -> Iterator[Problem]:
    """Compare the identity in status.history with the spec, and with the manifest in git that is not applied yet."""
    for release in cluster.all("HelmRelease"):
        if not release.has("status.history.0") or is_terminating(release):
            continue
        changes = _changes(release, release)
        where = "its spec"
        if not changes and manifests and (pending := _pending(release, cluster, graph, manifests)):
            changes, where = _changes(release, pending), "git"
        if changes:
            yield _problem(release, where, changes)


def _changes(release: Resource, definition: Resource) -> list[tuple[str, str, str, str]]:
    """Return field, its label, old and new value of each change of identity (helm-controller 1.6, verify.go)."""
    last = release.fields("status.history.0")
    pairs = [
        (
            "spec.storageNamespace",
            "storage namespace",
            release.text("status.storageNamespace"),
            storage_namespace(definition),
        ),
        ("spec.targetNamespace", "release namespace", last.text("namespace"), release_namespace(definition)),
        ("spec.releaseName", "release name", last.text("name"), release_name(definition)),
    ]
    replaces = definition.text("spec.upgrade.chartNameChangeStrategy") != "InPlaceUpdate"
    if replaces and definition.text("spec.chart.spec.sourceRef.kind") == "HelmRepository":
        # In a registry, the chart name is the last part of the path.
        name = definition.text("spec.chart.spec.chart").rpartition("/")[2]
        pairs.append(("spec.chart.spec.chart", "chart name", last.text("chartName"), name))
    return [p for p in pairs if p[2] and p[3] and p[2] != p[3] and not templated(p[3])]


def _pending(release: Resource, cluster: Cluster, graph: Graph, manifests: Manifests) -> Resource | None:
    """Return the manifest in git if it is not applied yet and no patch or variable changes it on the way; else None."""
    owner = graph.parent(release)
    kustomization = cluster.get(owner) if owner and owner.kind == "Kustomization" else None
    build = manifests.build(kustomization) if kustomization else None
    source = cluster.get(manifests.source(kustomization)) if kustomization else None
    if not (kustomization and build and source and build.complete) or build.patches:
        return None
    if kustomization.has("spec.patches") or revision(source) == revision(kustomization):
        return None
    declared = manifests.definition(release.ref, kustomization.ref)
    if declared is None or all(declared.text(f) == release.text(f) for f in (*_FIELDS, "spec.chart.spec.chart")):
        return None
    # The Kustomization can set the namespace: take the identity from the cluster, not from the manifest.
    ref = Ref("HelmRelease", release.namespace, release.name)
    return Resource(body=declared.body, ref=ref, file=declared.file, marks=declared.marks)


def _problem(release: Resource, where: str, changes: list[tuple[str, str, str, str]]) -> Problem:
    facts = {
        "where": where,
        "changes": ", ".join(f"the {label} from {old} to {new}" for _, label, old, new in changes),
        "old": f"{release.text('status.history.0.namespace')}/{release.text('status.history.0.name')}",
        "field": changes[0][0],
        "was": changes[0][2],
    }
    proof = Evidence.field(f"released as {facts['old']}", f"{release.ref} status.history")
    return Problem(release.ref, facts, evidence=(proof,), field=changes[0][0])

"""The next reconciliation uninstalls a release, because its name or namespace has changed."""

from collections.abc import Iterator

from fluxdoctor import (
    Cluster,
    Evidence,
    Graph,
    Manifests,
    Problem,
    Ref,
    Resource,
    release_name,
    release_namespace,
    revision,
    storage_namespace,
)
from fluxdoctor_rules.helm._releases import templated

_FIELDS = ("spec.releaseName", "spec.targetNamespace", "spec.storageNamespace")


def check(cluster: Cluster, graph: Graph, manifests: Manifests | None) -> Iterator[Problem]:
    """Compare what is released with what the spec says, and with what git is about to make of the spec."""
    for release in cluster.all("HelmRelease"):
        if not release.has("status.history.0") or release.has("metadata.deletionTimestamp"):
            continue
        found = _changes(release, release)
        where = "its spec"
        if not found and manifests and (coming := _coming(release, cluster, graph, manifests)):
            found, where = _changes(release, coming), "git"
        if found:
            yield _problem(release, where, found)


def _changes(release: Resource, wanted: Resource) -> list[tuple[str, str, str, str]]:
    """Return field, what it is, old and new, of each part of the release's identity (helm-controller 1.6, verify.go)."""
    last = release.fields("status.history.0")
    pairs = [
        (
            "spec.storageNamespace",
            "storage namespace",
            release.text("status.storageNamespace"),
            storage_namespace(wanted),
        ),
        ("spec.targetNamespace", "namespace", last.text("namespace"), release_namespace(wanted)),
        ("spec.releaseName", "name", last.text("name"), release_name(wanted)),
    ]
    replaces = wanted.text("spec.upgrade.chartNameChangeStrategy") != "InPlaceUpdate"
    if replaces and wanted.text("spec.chart.spec.sourceRef.kind") == "HelmRepository":
        # In a registry the chart's name is the last part of its path.
        name = wanted.text("spec.chart.spec.chart").rpartition("/")[2]
        pairs.append(("spec.chart.spec.chart", "chart", last.text("chartName"), name))
    return [p for p in pairs if p[2] and p[3] and p[2] != p[3] and not templated(p[3])]


def _coming(release: Resource, cluster: Cluster, graph: Graph, manifests: Manifests) -> Resource | None:
    """Return what git declares where that is not applied yet, and nothing on the way changes it."""
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
    # The namespace may come from the Kustomization: the object's own identity is the one in the cluster.
    ref = Ref("HelmRelease", release.namespace, release.name)
    return Resource(body=declared.body, ref=ref, file=declared.file, marks=declared.marks)


def _problem(release: Resource, where: str, found: list[tuple[str, str, str, str]]) -> Problem:
    facts = {
        "where": where,
        "changes": ", ".join(f"{what} {old} becomes {new}" for _, what, old, new in found),
        "old": f"{release.text('status.history.0.namespace')}/{release.text('status.history.0.name')}",
        "field": found[0][0],
        "was": found[0][2],
    }
    proof = Evidence(f"released as {facts['old']}", f"{release.ref} status.history")
    return Problem(release.ref, facts, evidence=(proof,), field=found[0][0])

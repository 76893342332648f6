"""The Kustomizations that a rule about builds can judge, and the files of their builds."""

import posixpath
from collections.abc import Iterator, Sequence

from fluxdoctor import (
    Build,
    Cluster,
    Location,
    Lookup,
    ManifestEntry,
    Manifests,
    Resource,
    State,
    Tree,
    clean,
    condition,
    revision,
    state,
)
from fluxdoctor import nearest as similar_names

#: The fields of a kustomization file (kustomize 5.8, api/types/kustomization.go), by their name in lower case.
FIELDS = {
    name.lower(): name
    for name in (
        "apiVersion",
        "kind",
        "metadata",
        "openapi",
        "namePrefix",
        "nameSuffix",
        "namespace",
        "commonLabels",
        "labels",
        "commonAnnotations",
        "patches",
        "patchesStrategicMerge",
        "patchesJson6902",
        "images",
        "imageTags",
        "replacements",
        "replicas",
        "vars",
        "sortOptions",
        "resources",
        "components",
        "crds",
        "bases",
        "configMapGenerator",
        "secretGenerator",
        "helmGlobals",
        "helmCharts",
        "helmChartInflationGenerator",
        "generatorOptions",
        "configurations",
        "generators",
        "transformers",
        "validators",
        "buildMetadata",
    )
}
# With these reasons the controller failed before or during the build.
_BEFORE_BUILD = ("ArtifactFailed", "BuildFailed", "DependencyNotReady", "AccessDenied")


def candidates(cluster: Cluster, manifests: Manifests) -> Sequence[tuple[Resource, Tree]]:
    """Return the Kustomizations whose current files the controller has not built yet, with the files of their source."""
    return manifests.memo(_candidate_list, cluster)


def _candidate_list(manifests: Manifests, cluster: Cluster) -> tuple[tuple[Resource, Tree], ...]:
    return tuple(_candidates(cluster, manifests))


def _candidates(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Resource, Tree]]:
    for kustomization in cluster.active("Kustomization"):
        tree = manifests.tree(kustomization)
        if tree is None:
            continue
        source = cluster.get(manifests.source(kustomization))
        # The artifact also has files of other repositories, which the tree does not have.
        has_other_files = source is not None and (source.has("spec.include") or source.flag("spec.recurseSubmodules"))
        if not has_other_files and not is_built(kustomization, source):
            yield kustomization, tree


def unbuilt(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Resource, Tree, Build]]:
    """Yield the candidates whose directory exists, with their files and their build."""
    for kustomization, tree in candidates(cluster, manifests):
        build = manifests.build(kustomization)
        if build:
            yield kustomization, tree, build


def is_built(kustomization: Resource, source: Resource | None) -> bool:
    """Tell whether the controller built the source's current revision: its status is then better proof than the files."""
    current = state(kustomization)
    ready = condition(kustomization, "Ready")
    if current is State.NEW or ready is None:
        return False
    if current is State.FAILED and ready.reason == "BuildFailed":
        return False
    latest = revision(source) if source else ""
    if not latest:
        return current is State.READY
    last_attempt = kustomization.text("status.lastAttemptedRevision")
    has_passed = current is not State.PROGRESSING and ready.reason not in _BEFORE_BUILD
    return latest == revision(kustomization) or (has_passed and latest == last_attempt)


def nearest(tree: Tree, path: str, directory: str) -> str:
    """Return the existing path most similar to a missing one, relative to a directory; "" if no path is similar."""
    is_file = path.endswith((".yaml", ".yml", ".json"))
    similar = [p for p in tree.nearest(path, directories=not is_file) if p != directory]
    return posixpath.relpath(similar[0], directory or ".") if similar else ""


def spec_components(kustomization: Resource) -> Iterator[ManifestEntry]:
    """Yield the entries of spec.components; their location is the directory that they are relative to, without a line."""
    folder = clean(kustomization.text("spec.path"))
    for i, text in enumerate(kustomization.strings("spec.components")):
        yield ManifestEntry(f"spec.components[{i}]", text, Location(f"{folder}/"), clean(posixpath.join(folder, text)))


def is_root(body: Resource, kustomization: Resource) -> bool:
    """Tell whether a kustomization file is in spec.path: the controller rewrites this file before kustomize reads it."""
    return posixpath.dirname(body.file) == clean(kustomization.text("spec.path"))


def live(declared: Resource, kustomization: Resource, cluster: Cluster) -> Lookup:
    """Look up the object in the cluster that a Kustomization applied from a declaration."""
    return cluster.look(Manifests.live_ref(declared, kustomization))


def applied(cluster: Cluster, manifests: Manifests) -> Sequence[tuple[Resource, Build]]:
    """Return the Kustomizations that are Ready at the source's current revision, with their builds.

    A Kustomization that was read from a repository is always at the revision of its repository.
    """
    return manifests.memo(_applied_list, cluster)


def _applied_list(manifests: Manifests, cluster: Cluster) -> tuple[tuple[Resource, Build], ...]:
    return tuple(_applied(cluster, manifests))


def _applied(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Resource, Build]]:
    for kustomization in cluster.active("Kustomization"):
        build = manifests.build(kustomization)
        if build is None or state(kustomization) is not State.READY:
            continue
        source = cluster.get(manifests.source(kustomization))
        latest = revision(source) if source else ""
        if kustomization.file or (latest and latest == revision(kustomization)):
            yield kustomization, build


def unknown(body: Resource) -> tuple[str, ...]:
    """Return the fields of a kustomization file that kustomize does not know; kustomize ignores case."""
    return tuple(key for key in body.keys(()) if key.lower() not in FIELDS)


def similar_fields(key: str) -> tuple[str, ...]:
    """Return the fields of a kustomization file with a name similar to an unknown one, the most similar first."""
    return tuple(FIELDS[name] for name in similar_names(key.lower(), FIELDS))

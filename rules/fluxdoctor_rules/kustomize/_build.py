"""Which Kustomizations a rule about building may judge, and with which files."""

import posixpath
from collections.abc import Iterator, Sequence

from fluxdoctor import (
    Build,
    Cluster,
    Entry,
    Location,
    Lookup,
    Manifests,
    Resource,
    State,
    Tree,
    clean,
    condition,
    revision,
    state,
)

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
# With these reasons the controller did not come as far as a finished build.
_BEFORE_BUILD = ("ArtifactFailed", "BuildFailed", "DependencyNotReady", "AccessDenied")


def candidates(cluster: Cluster, manifests: Manifests) -> Sequence[tuple[Resource, Tree]]:
    """Return the Kustomizations whose present files the controller has not built yet, with the files of their source."""
    return manifests.once("candidates", lambda git: tuple(_candidates(cluster, git)))


def _candidates(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Resource, Tree]]:
    for kustomization in cluster.all("Kustomization"):
        tree = manifests.tree(kustomization)
        if tree is None:
            continue
        source = cluster.get(manifests.source(kustomization))
        # Files of other repositories are in the artifact too, and not in the tree.
        more = source is not None and (source.has("spec.include") or source.flag("spec.recurseSubmodules"))
        if not more and not is_built(kustomization, source):
            yield kustomization, tree


def unbuilt(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Resource, Tree, Build]]:
    """Yield the candidates whose directory is there, with what it declares."""
    for kustomization, tree in candidates(cluster, manifests):
        build = manifests.build(kustomization)
        if build:
            yield kustomization, tree, build


def is_built(kustomization: Resource, source: Resource | None) -> bool:
    """Tell whether the controller built the source's present revision: then it knows better than a reading of files."""
    said = state(kustomization)
    ready = condition(kustomization, "Ready")
    if said in (State.SUSPENDED, State.NEW) or ready is None:
        return said is State.SUSPENDED
    if said is State.FAILED and ready.reason == "BuildFailed":
        return False
    offered = revision(source) if source else ""
    if not offered:
        return said is State.READY
    tried = kustomization.text("status.lastAttemptedRevision")
    passed = said is not State.PROGRESSING and ready.reason not in _BEFORE_BUILD
    return offered == revision(kustomization) or (passed and offered == tried)


def nearest(tree: Tree, path: str, directory: str) -> str:
    """Return the path most like a missing one, as an entry of a kustomization file in the directory would write it."""
    is_file = path.endswith((".yaml", ".yml", ".json"))
    near = [p for p in tree.nearest(path, directories=not is_file) if p != directory]
    return posixpath.relpath(near[0], directory or ".") if near else ""


def spec_components(kustomization: Resource) -> Iterator[Entry]:
    """Yield what spec.components names; where each stands is the directory that it is relative to, without a line."""
    folder = clean(kustomization.text("spec.path"))
    for i, text in enumerate(kustomization.strings("spec.components")):
        yield Entry(f"spec.components[{i}]", text, Location(f"{folder}/"), clean(posixpath.join(folder, text)))


def is_root(body: Resource, kustomization: Resource) -> bool:
    """Tell whether a kustomization file is the one of spec.path: the controller rewrites that one before kustomize reads it."""
    return posixpath.dirname(body.file) == clean(kustomization.text("spec.path"))


def is_generated(resource: Resource) -> bool:
    """Tell whether a generator of a kustomization file makes an object: then its content is not known."""
    return resource.annotation("kustomize.config.k8s.io/generated") == "true"


def live(declared: Resource, kustomization: Resource, cluster: Cluster) -> Lookup:
    """Look up the object in the cluster that a Kustomization made of a declaration."""
    return cluster.look(Manifests.live_ref(declared, kustomization))


def applied(cluster: Cluster, manifests: Manifests) -> Sequence[tuple[Resource, Build]]:
    """Return the Kustomizations that are Ready with the source's present revision, with what it declares.

    One that was read from a repository is as its repository is.
    """
    return manifests.once("applied", lambda git: tuple(_applied(cluster, git)))


def _applied(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Resource, Build]]:
    for kustomization in cluster.all("Kustomization"):
        build = manifests.build(kustomization)
        if build is None or state(kustomization) is not State.READY:
            continue
        source = cluster.get(manifests.source(kustomization))
        offered = revision(source) if source else ""
        if kustomization.file or (offered and offered == revision(kustomization)):
            yield kustomization, build


def unknown(body: Resource) -> tuple[str, ...]:
    """Return the fields of a kustomization file that kustomize does not know; it does not mind upper and lower case."""
    return tuple(key for key in body.keys(()) if key.lower() not in FIELDS)

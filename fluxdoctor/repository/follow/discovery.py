"""Finds the entry points of a repository: the folders from which its clusters begin to apply it."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from fluxdoctor.model import flux
from fluxdoctor.model.manifests import FILE_NAMES, kustomization_file, unlist
from fluxdoctor.model.resource import Fields, Ref, Resource
from fluxdoctor.model.tree import Tree, clean
from fluxdoctor.repository.build.build_inputs import closure
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.follow import artifacts, syncs

_MENTIONS = re.compile(rb"toolkit\.fluxcd\.io|fluxcd\.controlplane\.io|flux-instance|instance:|flux2-sync")
#: Folders that no cluster applies, by their usual names.
_RETIRED = re.compile(
    r"(?:^|/)(?:\.(?:git\w*|\w*archived?|old|legacy|disabled|ignored?|unused|trash|deprecated|templates?|taskfiles|agents?|ci)"
    r"|_?archived?|_?disabled|deprecated|legacy|old|[^/]*\.bak)(?:/|$)"
)
#: So many Kustomizations with one source show which repository has their paths.
_MANY = 3
#: Folders in which a cluster rarely begins. Only a declared entry point counts there.
_SAMPLES = re.compile(r"(?:^|/)(?:examples?|templates?|tests|testdata|fixtures|e2e|docs)(?:/|$)")


@dataclass(frozen=True)
class EntryPoint:
    """The beginning of a cluster: the Kustomization that applies the first folder, and its source."""

    name: str
    kustomization: Resource
    source: Ref
    root: str = ""
    """The folder of the repository that is the root of the artifact."""
    url: str = ""
    file: str = ""
    objects: tuple[Resource, ...] = ()
    """The other objects of the entry point: its source."""
    is_implied: bool = False
    """No object of the repository applies this folder, so something elsewhere must."""
    ignore: str | None = None
    """``spec.ignore`` of the source."""
    patches: tuple[Mapping[str, Any], ...] = ()
    """What a FluxInstance changes in these objects."""


class EntryPoints:
    """The Flux objects as written in the files, and those of them that begin a cluster."""

    def __init__(self, tree: Tree, contents: dict[str, bytes], urls: Iterable[str] = ()) -> None:
        """``tree``: the whole repository; ``contents``: the bytes of its YAML files; ``urls``: its addresses."""
        self.tree = tree
        self._urls = {artifacts.normalize_url(u) for u in urls}
        charts = {posixpath.dirname(p) for p in tree.paths if posixpath.basename(p) == "Chart.yaml"}
        self.documents = [
            document
            for path, content in sorted(contents.items())
            if _MENTIONS.search(content) and not _is_below(path, charts)
            for document in _documents(tree, path)
        ]
        self.kustomizations = [d for d in self.documents if _is_kind(d, "Kustomization", flux.KUSTOMIZE)]

    def declared(self) -> list[EntryPoint]:
        """Return what certainly begins a cluster: a sync of flux-operator, or a Kustomization that applies itself."""
        from_kustomizations = list(self._from_kustomizations())
        candidates = [*self._from_instances(), *self._from_values(), *(e for e in from_kustomizations if e.objects)]
        candidates = candidates or [e for e in from_kustomizations if self._applies_itself(e)]
        if any(not e.root for e in candidates):
            candidates = [e for e in candidates if not e.root]
        unique: dict[tuple[str, str], EntryPoint] = {}
        for entry in candidates:
            key = (entry.root, clean(entry.kustomization.text("spec.path")))
            unique.setdefault(key, entry)
        return list(unique.values())

    def _from_instances(self) -> Iterator[EntryPoint]:
        for instance in self.documents:
            has_sync = _is_kind(instance, "FluxInstance", flux.OPERATOR) and instance.has("spec.sync.path")
            if has_sync and not _RETIRED.search(instance.file):
                yield from self._from_sync(instance, instance.fields("spec.sync"))

    def _from_values(self) -> Iterator[EntryPoint]:
        for document in self.documents:
            if _RETIRED.search(document.file):
                continue
            values = document.fields("spec.values") if document.kind == "HelmRelease" else document
            sync = values.fields("instance.sync")
            if sync.text("path") and sync.text("url"):
                yield from self._from_sync(document, sync)

    def _from_sync(self, origin: Resource, sync: Fields) -> Iterator[EntryPoint]:
        """Yield the entry point of a sync. flux-operator names both objects like their namespace (0.58)."""
        path = sync.text("path")
        if unknown(path):
            return
        namespace = self._sync_namespace(origin, clean(path))
        name = sync.text("name") or namespace
        kind = sync.text("kind", "GitRepository")
        root = self._root(path, origin.file)
        if root is None and not self._is_here([path], sync.text("url")):
            return  # it names another repository
        source_ref = Ref(kind, namespace, name)
        marks = dict(syncs.marks(origin, sync))
        source, kustomization = syncs.objects(sync, source_ref)
        kustomization_ref = Ref("Kustomization", namespace, name)
        yield EntryPoint(
            name=_entry_name(root, path),
            kustomization=Resource(kustomization, ref=kustomization_ref, file=origin.file, marks=marks),
            source=source_ref,
            root=root or "",
            url=sync.text("url"),
            file=origin.file,
            objects=(Resource(source, ref=source_ref, file=origin.file, marks=marks),),
            ignore=sync.text("ignore") or None,
            patches=tuple(syncs.patches(origin, sync, (kind, "Kustomization"))),
        )

    def _sync_namespace(self, origin: Resource, path: str) -> str:
        """Return the namespace of a FluxInstance: its own, or the one that the Kustomizations below its path use for the source.

        The Kustomization of its folder may set it, and the source has the same name (flux-operator 0.58).
        """
        namespace = origin.text("spec.targetNamespace") or origin.namespace
        sources = (_source(k) for k in self.kustomizations if _is_below(k.file, {path}))
        likely = Counter(s.namespace for s in sources if s.name == s.namespace)
        return namespace or next((name for name, _ in likely.most_common(1)), "flux-system")

    def _from_kustomizations(self) -> Iterator[EntryPoint]:
        """Yield each Kustomization whose path contains its own file, or whose source is in the same folder."""
        for kustomization in self.kustomizations:
            path, file = kustomization.text("spec.path"), kustomization.file
            if unknown(path + kustomization.name) or _RETIRED.search(file):
                continue
            source_ref, source = _source(kustomization), self.source_beside(kustomization)
            root = self._root_containing(path, file, anywhere=source is not None)
            if root is None or not clean(path) or not source_ref.name or source_ref.kind == "ExternalArtifact":
                continue  # the whole of a source is as likely another repository
            if source and self._is_elsewhere(source_ref.name, source):
                continue
            yield EntryPoint(
                name=_entry_name(root, path),
                kustomization=_with_namespace(kustomization),
                source=source_ref,
                root=root,
                url=source.text("spec.url") if source else "",
                file=file,
                objects=(_with_namespace(source),) if source else (),
                ignore=source.text("spec.ignore") if source and source.has("spec.ignore") else None,
            )

    def _applies_itself(self, entry: EntryPoint) -> bool:
        """Tell whether the file of an entry's Kustomization is applied by the folder of its path."""
        path = clean(entry.kustomization.text("spec.path"))
        return path in _applying_folders(self.tree, entry.file, self.tree.memo(_listed_by))

    def _is_elsewhere(self, name: str, source: Resource) -> bool:
        """Tell whether only one Kustomization uses a source, while many use another one whose paths are in this repository.

        Its path exists here by chance: the manifests of an operator are often in a folder with the name of one here.
        """
        url = artifacts.normalize_url(source.text("spec.url"))
        return len(self._paths.get(name, ())) <= 1 and any(
            len(paths) >= _MANY and self._normalized_urls.get(other) != url and self._are_here(paths)
            for other, paths in self._paths.items()
            if other != name
        )

    @cached_property
    def _paths(self) -> dict[str, list[str]]:
        """The paths of Kustomizations, by the name of their source."""
        paths: dict[str, list[str]] = {}
        for kustomization in self.kustomizations:
            path, source = clean(kustomization.text("spec.path")), _source(kustomization).name
            if source and path and not unknown(path) and not _RETIRED.search(kustomization.file):
                paths.setdefault(source, []).append(path)
        return paths

    @cached_property
    def _normalized_urls(self) -> dict[str, str]:
        """The addresses of sources, by their name."""
        return {d.name: artifacts.normalize_url(d.text("spec.url")) for d in self.documents if d.has("spec.url")}

    def _are_here(self, paths: list[str]) -> bool:
        return 2 * sum(map(self.tree.is_directory, paths)) > len(paths)

    def source_beside(self, kustomization: Resource) -> Resource | None:
        """Return the source of a Kustomization if it is in the same folder."""
        source, folder = _source(kustomization), posixpath.dirname(kustomization.file)
        documents = self._by_name.get((source.kind, source.name), ())
        return next((d for d in documents if posixpath.dirname(d.file) == folder and d.has("spec.url")), None)

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[Resource]]:
        """The documents by kind and name: each Kustomization needs its source."""
        documents: dict[tuple[str, str], list[Resource]] = {}
        for document in self.documents:
            documents.setdefault((document.kind, document.name), []).append(document)
        return documents

    def _root_containing(self, path: str, file: str, *, anywhere: bool) -> str | None:
        """Return the artifact root below which a path contains a file: the repository's root, or a folder above the file."""
        folder = clean(path)
        roots = [""]
        for part in posixpath.dirname(file).split("/") if anywhere else ():
            roots.append(posixpath.join(roots[-1], part))
        return next((root for root in roots if file.startswith(posixpath.join(root, folder) + "/")), None)

    def _root(self, path: str, file: str) -> str | None:
        """Return the artifact root of a path: the folder below which it and most other paths exist; None if there is none."""
        folder = clean(path)
        if not folder or self.tree.is_directory(folder):
            return ""
        roots = [d.removesuffix(folder).rstrip("/") for d in self.tree.directories if d.endswith("/" + folder)]
        roots = [r for r in roots if not _RETIRED.search(r + "/")]
        return max(roots, key=lambda r: (self._count_paths(r), file.startswith(r + "/"), -len(r))) if roots else None

    def _count_paths(self, root: str) -> int:
        return sum(
            self.tree.is_directory(posixpath.join(root, clean(k.text("spec.path")))) for k in self.kustomizations
        )

    def implied(self, applied_files: frozenset[str]) -> list[EntryPoint]:
        """Return the folders with Kustomizations that no cluster here applies: something elsewhere must begin there."""
        listed_by = self.tree.memo(_listed_by)
        unapplied = [
            k for k in self.kustomizations
            if k.file not in applied_files and k.has("spec.path") and not _RETIRED.search(k.file)
            and (k.has("spec.sourceRef") or k.file in listed_by)
            and not _SAMPLES.search(k.file)
        ]  # fmt: skip
        tops: set[str] = set()
        for kustomization in unapplied:
            folders = _applying_folders(self.tree, kustomization.file, listed_by)
            roots = {f for f in folders if not listed_by.get(f, set()) - {f} and kustomization_file(self.tree, f)}
            tops |= roots or {posixpath.dirname(kustomization.file)}
        # A Kustomization without a source is a patch, or a patch adds its source: it does not apply the folder itself.
        paths = {clean(k.text("spec.path")) for k in self.kustomizations if k.has("spec.sourceRef")}
        tops = {top for top in tops if top not in paths and not _RETIRED.search(top + "/")}
        return [self._implied_entry(top, unapplied) for top in sorted(tops)]

    def standalone(self) -> list[EntryPoint]:
        """Return the top folders of a repository without any Flux Kustomization: its entry point is elsewhere."""
        if self.kustomizations or not self.documents:
            return []
        listed_by = self.tree.memo(_listed_by)
        tops = []
        for folder in sorted(self.tree.directories):
            file = kustomization_file(self.tree, folder)
            bodies = self.tree.parsed(file).documents if file else ()
            is_unused = _RETIRED.search(folder + "/") or _SAMPLES.search(folder + "/")
            is_component = bool(bodies) and bodies[0].text("kind") == "Component"
            if file and not is_unused and not is_component and not listed_by.get(folder, set()) - {folder}:
                # Flux inflates no chart in a build, so another tool builds a folder with one.
                tops += [] if closure(self.tree, folder).has_helm else [folder]
        return [self._implied_entry(top, []) for top in tops]

    def _is_here(self, paths: Iterable[str], url: str, folder: str = "") -> bool:
        """Tell whether a source with these paths is likely this repository: by its address, or by most of the paths.

        A path that resembles an existing one is a typing error. ``folder``: the root of the artifact may be above it.
        """
        if url and artifacts.normalize_url(url) in self._urls:
            return True
        plain_paths = {p for path in paths if not unknown(path) and (p := clean(path))}
        parts = folder.split("/")
        roots = ["", *("/".join(parts[:n]) for n in range(1, len(parts) + 1))]
        existing = [{p for p in plain_paths if self.tree.is_directory(posixpath.join(root, p))} for root in roots]
        similar = {p for p in plain_paths - set().union(*existing) if self.tree.nearest(p)}
        return not plain_paths or 2 * (max(map(len, existing)) + len(similar)) > len(plain_paths)

    def _implied_entry(self, folder: str, kustomizations: list[Resource]) -> EntryPoint:
        """Return the entry point of a folder, with the source that most of these Kustomizations use."""
        sources = [s for s in map(_source, kustomizations) if s.kind != "ExternalArtifact" and s.name]
        likely = [s for s in sorted(set(sources)) if self._is_source(s, folder, kustomizations)]
        # If all of these are other repositories, no object here names the source of this folder.
        unnamed = Ref("GitRepository", "flux-system", (folder or ".") if sources else "flux-system")
        source = max(likely, key=sources.count, default=unnamed)
        body = {"apiVersion": f"{flux.KUSTOMIZE}/v1", "kind": "Kustomization", "metadata": {"name": folder or "."},
                "spec": {"path": folder, "sourceRef": {"kind": source.kind, "name": source.name}}}  # fmt: skip
        kustomization = Resource(body, ref=Ref("Kustomization", source.namespace, folder or "."), file=folder)
        return EntryPoint(folder or ".", kustomization, source, file=folder, is_implied=True)

    def _is_source(self, source: Ref, folder: str, kustomizations: list[Resource]) -> bool:
        """Tell whether a source that these Kustomizations use is likely this repository."""
        urls = [d.text("spec.url") for d in self._by_name.get((source.kind, source.name), ())]
        paths = [k.text("spec.path") for k in kustomizations if _source(k) == source]
        return self._is_here(paths, next(filter(None, urls), ""), folder)


def _documents(tree: Tree, path: str) -> Iterator[Resource]:
    for document in tree.parsed(path).documents:
        for item in unlist(document):
            if isinstance(item.body, dict):
                yield item


def _is_kind(document: Resource, kind: str, group: str) -> bool:
    return document.kind == kind and document.group == group


def _is_below(path: str, folders: set[str]) -> bool:
    return any(path.startswith(f + "/") or not f for f in folders)


def _source(kustomization: Resource) -> Ref:
    ref = kustomization.fields("spec.sourceRef")
    namespace = ref.text("namespace") or kustomization.namespace or "flux-system"
    return Ref(ref.text("kind"), namespace, ref.text("name"))


def _with_namespace(resource: Resource) -> Resource:
    if resource.namespace:
        return resource
    return replace(resource, ref=Ref(resource.kind, "flux-system", resource.name))


def _entry_name(root: str | None, path: str) -> str:
    return posixpath.join(root or "", clean(path)) or "."


def _listed_by(tree: Tree) -> dict[str, set[str]]:
    """Return the folders whose kustomization files list a folder or a file, by the path that is listed."""
    folders: dict[str, set[str]] = {}
    for path in tree.paths:
        if posixpath.basename(path) in FILE_NAMES:
            folder = posixpath.dirname(path)
            for body in tree.parsed(path).documents[:1]:
                for key in ("resources", "bases", "components"):
                    for text in body.strings(key):
                        folders.setdefault(clean(posixpath.join(folder, text)), set()).add(folder)
    return folders


def _applying_folders(tree: Tree, file: str, listed_by: dict[str, set[str]]) -> frozenset[str]:
    """Return the folders that apply a file: those that list it, directly or not, and those above it without a list."""
    folders: set[str] = set()
    pending = list(listed_by.get(file, ())) or [posixpath.dirname(file)]
    while pending:
        folder = pending.pop()
        if folder in folders:
            continue
        folders.add(folder)
        pending += listed_by.get(folder, ())
        parent = posixpath.dirname(folder)
        # A folder without a kustomization file includes every folder below it that has one.
        while folder and not kustomization_file(tree, parent):
            if parent not in folders and parent:
                folders.add(parent)
                pending += listed_by.get(parent, ())
            folder, parent = parent, posixpath.dirname(parent)
    return frozenset(folders)

"""The entry points of a repository: where each of its clusters begins to apply it."""

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
#: Folders whose content no cluster applies, by the names that people give them.
_PUT_AWAY = re.compile(
    r"(?:^|/)(?:\.(?:git\w*|\w*archived?|old|legacy|disabled|ignored?|unused|trash|deprecated|templates?|taskfiles|agents?|ci)"
    r"|_?archived?|_?disabled|deprecated|legacy|old|[^/]*\.bak)(?:/|$)"
)
#: So many Kustomizations with one source tell where their paths are.
_MANY = 3
#: Folders that no cluster is likely to begin in, unless something says so.
_SAMPLES = re.compile(r"(?:^|/)(?:examples?|templates?|tests|testdata|fixtures|e2e|docs)(?:/|$)")


@dataclass(frozen=True)
class EntryPoint:
    """Where a cluster begins: the Kustomization that applies the first folder, and the source that it reads."""

    name: str
    kustomization: Resource
    source: Ref
    root: str = ""
    """The folder of the repository that is the root of the artifact."""
    url: str = ""
    file: str = ""
    objects: tuple[Resource, ...] = ()
    """What is there besides: the source, a FluxInstance."""
    implied: bool = False
    """No object of the repository applies this folder: something elsewhere must."""
    ignore: str | None = None
    patches: tuple[Mapping[str, Any], ...] = ()
    """What a FluxInstance changes in these objects."""


class EntryPoints:
    """The Flux objects as they are written in the files, and which of them begin a cluster."""

    def __init__(self, tree: Tree, contents: dict[str, bytes], urls: Iterable[str] = ()) -> None:
        """``tree``: the whole repository; ``contents``: the bytes of its YAML files; ``urls``: its addresses."""
        self.tree = tree
        self._urls = {artifacts.plain(u) for u in urls}
        charts = {posixpath.dirname(p) for p in tree.paths if posixpath.basename(p) == "Chart.yaml"}
        self.documents = [
            document
            for path, content in sorted(contents.items())
            if _MENTIONS.search(content) and not _in(path, charts)
            for document in _documents(tree, path)
        ]
        self.kustomizations = [d for d in self.documents if _is(d, "Kustomization", flux.KUSTOMIZE)]

    def entries(self) -> list[EntryPoint]:
        """Return what certainly begins a cluster: a sync of flux-operator, or a Kustomization that applies itself."""
        own = list(self._own())
        found = [*self._instances(), *self._values(), *(e for e in own if e.objects)]
        found = found or [e for e in own if self._holds(e)]
        if any(not e.root for e in found):
            found = [e for e in found if not e.root]
        unique: dict[tuple[str, str], EntryPoint] = {}
        for entry in found:
            key = (entry.root, clean(entry.kustomization.text("spec.path")))
            unique.setdefault(key, entry)
        return list(unique.values())

    def _instances(self) -> Iterator[EntryPoint]:
        for instance in self.documents:
            is_one = _is(instance, "FluxInstance", flux.OPERATOR) and instance.has("spec.sync.path")
            if is_one and not _PUT_AWAY.search(instance.file):
                yield from self._sync(instance, instance.fields("spec.sync"))

    def _values(self) -> Iterator[EntryPoint]:
        for document in self.documents:
            if _PUT_AWAY.search(document.file):
                continue
            values = document.fields("spec.values") if document.kind == "HelmRelease" else document
            sync = values.fields("instance.sync")
            if sync.text("path") and sync.text("url"):
                yield from self._sync(document, sync)

    def _sync(self, origin: Resource, sync: Fields) -> Iterator[EntryPoint]:
        """flux-operator makes a source and a Kustomization, named like its namespace (0.58): both stand nowhere else."""
        path = sync.text("path")
        if unknown(path):
            return
        namespace = self._namespace(origin, clean(path))
        name = sync.text("name") or namespace
        kind = sync.text("kind", "GitRepository")
        root = self._root(path, origin.file)
        if root is None and not self._is_here([path], sync.text("url")):
            return  # the repository that it names is another one
        where = Ref(kind, namespace, name)
        marks = dict(syncs.marks(origin, sync))
        source, made = syncs.objects(sync, where)
        yield EntryPoint(
            name=_name(root, path),
            kustomization=Resource(made, ref=Ref("Kustomization", namespace, name), file=origin.file, marks=marks),
            source=where,
            root=root or "",
            url=sync.text("url"),
            file=origin.file,
            objects=(Resource(source, ref=where, file=origin.file, marks=marks),),
            ignore=sync.text("ignore") or None,
            patches=tuple(syncs.patches(origin, sync, (kind, "Kustomization"))),
        )

    def _namespace(self, origin: Resource, path: str) -> str:
        """Return where a FluxInstance is: as it says, or as those whose files it applies name their source.

        The Kustomization of its folder may give it one, and the source is named like it (flux-operator 0.58).
        """
        said = origin.text("spec.targetNamespace") or origin.namespace
        below = (_source(k) for k in self.kustomizations if _in(k.file, {path}))
        likely = Counter(s.namespace for s in below if s.name == s.namespace)
        return said or next((name for name, _ in likely.most_common(1)), "flux-system")

    def _own(self) -> Iterator[EntryPoint]:
        """A Kustomization whose path holds its own file, or whose source stands beside it."""
        for kustomization in self.kustomizations:
            path, file = kustomization.text("spec.path"), kustomization.file
            if unknown(path + kustomization.name) or _PUT_AWAY.search(file):
                continue
            source, beside = _source(kustomization), self.beside(kustomization)
            root = self._holding(path, file, anywhere=beside is not None)
            if root is None or not clean(path) or not source.name or source.kind == "ExternalArtifact":
                continue  # the whole of a source is as likely another repository
            if beside and self._is_elsewhere(source.name, beside):
                continue
            yield EntryPoint(
                name=_name(root, path),
                kustomization=_placed(kustomization),
                source=source,
                root=root,
                url=beside.text("spec.url") if beside else "",
                file=file,
                objects=(_placed(beside),) if beside else (),
                ignore=beside.text("spec.ignore") if beside and beside.has("spec.ignore") else None,
            )

    def _holds(self, entry: EntryPoint) -> bool:
        """Tell whether an entry's Kustomization is among what it applies: by its file, up to the folder of its path."""
        path = clean(entry.kustomization.text("spec.path"))
        return path in _above(self.tree, entry.file, self.tree.memo(_uses))

    def _is_elsewhere(self, name: str, source: Resource) -> bool:
        """Tell a source that one Kustomization alone has, where many have another one with their paths in this repository.

        Its path is there by chance: an operator's manifests are often in a folder named like one here.
        """
        own = artifacts.plain(source.text("spec.url"))
        return len(self._paths.get(name, ())) <= 1 and any(
            len(held) >= _MANY and self._plain_urls.get(used) != own and self._are_here(held)
            for used, held in self._paths.items()
            if used != name
        )

    @cached_property
    def _paths(self) -> dict[str, list[str]]:
        """The paths of Kustomizations, by the name of their source."""
        paths: dict[str, list[str]] = {}
        for kustomization in self.kustomizations:
            path, used = clean(kustomization.text("spec.path")), _source(kustomization).name
            if used and path and not unknown(path) and not _PUT_AWAY.search(kustomization.file):
                paths.setdefault(used, []).append(path)
        return paths

    @cached_property
    def _plain_urls(self) -> dict[str, str]:
        """The addresses of sources, by their name."""
        return {d.name: artifacts.plain(d.text("spec.url")) for d in self.documents if d.has("spec.url")}

    def _are_here(self, paths: list[str]) -> bool:
        return 2 * sum(map(self.tree.is_directory, paths)) > len(paths)

    def beside(self, kustomization: Resource) -> Resource | None:
        """Return the source of a Kustomization where it stands in the same folder."""
        source, folder = _source(kustomization), posixpath.dirname(kustomization.file)
        named = self._named.get((source.kind, source.name), ())
        return next((d for d in named if posixpath.dirname(d.file) == folder and d.has("spec.url")), None)

    @cached_property
    def _named(self) -> dict[tuple[str, str], list[Resource]]:
        """The documents by kind and name: every Kustomization asks for its source."""
        found: dict[tuple[str, str], list[Resource]] = {}
        for document in self.documents:
            found.setdefault((document.kind, document.name), []).append(document)
        return found

    def _holding(self, path: str, file: str, *, anywhere: bool) -> str | None:
        """Return the artifact root below which a path holds a file: the repository's root, or a folder above the file."""
        wanted = clean(path)
        folders = [""]
        for part in posixpath.dirname(file).split("/") if anywhere else ():
            folders.append(posixpath.join(folders[-1], part))
        inside = (root for root in folders if file.startswith(posixpath.join(root, wanted) + "/"))
        return next(inside, None)

    def _root(self, path: str, file: str) -> str | None:
        """Return the artifact root of a path: the one folder below which it, and most other paths, are there."""
        wanted = clean(path)
        if not wanted or self.tree.is_directory(wanted):
            return ""
        roots = [d.removesuffix(wanted).rstrip("/") for d in self.tree.directories if d.endswith("/" + wanted)]
        roots = [r for r in roots if not _PUT_AWAY.search(r + "/")]
        return max(roots, key=lambda r: (self._fits(r), file.startswith(r + "/"), -len(r))) if roots else None

    def _fits(self, root: str) -> int:
        return sum(
            self.tree.is_directory(posixpath.join(root, clean(k.text("spec.path")))) for k in self.kustomizations
        )

    def implied(self, reached: frozenset[str]) -> list[EntryPoint]:
        """Return the folders that hold Kustomizations which nothing here applies: something elsewhere must begin there."""
        uses = self.tree.memo(_uses)
        left = [
            k for k in self.kustomizations
            if k.file not in reached and k.has("spec.path") and not _PUT_AWAY.search(k.file)
            and (k.has("spec.sourceRef") or k.file in uses)
            and not _SAMPLES.search(k.file)
        ]  # fmt: skip
        tops: set[str] = set()
        for kustomization in left:
            above = _above(self.tree, kustomization.file, uses)
            own = {a for a in above if not uses.get(a, set()) - {a} and kustomization_file(self.tree, a)}
            tops |= own or {posixpath.dirname(kustomization.file)}
        # What has no source is a patch, or gets it from one: it does not apply the folder by itself.
        used = {clean(k.text("spec.path")) for k in self.kustomizations if k.has("spec.sourceRef")}
        return [self._implied(top, left) for top in sorted(tops) if top not in used and not _PUT_AWAY.search(top + "/")]

    def parts(self) -> list[EntryPoint]:
        """Return the folders that stand for themselves in a repository without a Flux Kustomization: its entry is elsewhere."""
        if self.kustomizations or not self.documents:
            return []
        uses = self.tree.memo(_uses)
        tops = []
        for folder in sorted(self.tree.directories):
            file = kustomization_file(self.tree, folder)
            bodies = self.tree.parsed(file).documents if file else ()
            away = _PUT_AWAY.search(folder + "/") or _SAMPLES.search(folder + "/")
            is_component = bool(bodies) and bodies[0].text("kind") == "Component"
            if file and not away and not is_component and not uses.get(folder, set()) - {folder}:
                # Flux inflates no chart in a build: such a folder is built by something else.
                tops += [] if closure(self.tree, folder).helm else [folder]
        return [self._implied(top, []) for top in tops]

    def _is_here(self, paths: Iterable[str], url: str, folder: str = "") -> bool:
        """Tell whether a source that has these paths is likely this repository: by its address, or by most of the paths.

        A path that is much like one which is there has a typing error. ``folder``: the root of the artifact may be above it.
        """
        if url and artifacts.plain(url) in self._urls:
            return True
        wanted = {p for path in paths if not unknown(path) and (p := clean(path))}
        parts = folder.split("/")
        roots = ["", *("/".join(parts[:n]) for n in range(1, len(parts) + 1))]
        there = [{p for p in wanted if self.tree.is_directory(posixpath.join(root, p))} for root in roots]
        near = {p for p in wanted - set().union(*there) if self.tree.nearest(p)}
        return not wanted or 2 * (max(map(len, there)) + len(near)) > len(wanted)

    def _implied(self, folder: str, left: list[Resource]) -> EntryPoint:
        names = [s for s in map(_source, left) if s.kind != "ExternalArtifact" and s.name]
        likely = [s for s in sorted(set(names)) if self._is_source(s, folder, left)]
        # Where each is another repository's, that of this folder has no name here.
        none = Ref("GitRepository", "flux-system", (folder or ".") if names else "flux-system")
        source = max(likely, key=names.count, default=none)
        made = {"apiVersion": f"{flux.KUSTOMIZE}/v1", "kind": "Kustomization", "metadata": {"name": folder or "."},
                "spec": {"path": folder, "sourceRef": {"kind": source.kind, "name": source.name}}}  # fmt: skip
        entry = Resource(body=made, ref=Ref("Kustomization", source.namespace, folder or "."), file=folder)
        return EntryPoint(name=folder or ".", kustomization=entry, source=source, file=folder, implied=True)

    def _is_source(self, source: Ref, folder: str, left: list[Resource]) -> bool:
        """Tell whether a source that Kustomizations name is likely this repository."""
        urls = [d.text("spec.url") for d in self._named.get((source.kind, source.name), ())]
        paths = [k.text("spec.path") for k in left if _source(k) == source]
        return self._is_here(paths, next(filter(None, urls), ""), folder)


def _documents(tree: Tree, path: str) -> Iterator[Resource]:
    for document in tree.parsed(path).documents:
        for item in unlist(document):
            if isinstance(item.body, dict):
                yield item


def _is(document: Resource, kind: str, group: str) -> bool:
    return document.kind == kind and document.group == group


def _in(path: str, folders: set[str]) -> bool:
    return any(path.startswith(f + "/") or not f for f in folders)


def _source(kustomization: Resource) -> Ref:
    ref = kustomization.fields("spec.sourceRef")
    namespace = ref.text("namespace") or kustomization.namespace or "flux-system"
    return Ref(ref.text("kind"), namespace, ref.text("name"))


def _placed(resource: Resource) -> Resource:
    if resource.namespace:
        return resource
    return replace(resource, ref=Ref(resource.kind, "flux-system", resource.name))


def _name(root: str | None, path: str) -> str:
    return posixpath.join(root or "", clean(path)) or "."


def _uses(tree: Tree) -> dict[str, set[str]]:
    """Return which folders' kustomization files name a folder or a file, by what is named."""
    found: dict[str, set[str]] = {}
    for path in tree.paths:
        if posixpath.basename(path) in FILE_NAMES:
            folder = posixpath.dirname(path)
            for body in tree.parsed(path).documents[:1]:
                for key in ("resources", "bases", "components"):
                    for text in body.strings(key):
                        found.setdefault(clean(posixpath.join(folder, text)), set()).add(folder)
    return found


def _above(tree: Tree, file: str, uses: dict[str, set[str]]) -> frozenset[str]:
    """Return the folders that apply a file: those whose kustomization files name it, and those without one above it."""
    found: set[str] = set()
    todo = list(uses.get(file, ())) or [posixpath.dirname(file)]
    while todo:
        at = todo.pop()
        if at in found:
            continue
        found.add(at)
        todo += uses.get(at, ())
        parent = posixpath.dirname(at)
        # A folder without a kustomization file takes in every one below it that has one.
        while at and not kustomization_file(tree, parent):
            if parent not in found and parent:
                found.add(parent)
                todo += uses.get(parent, ())
            at, parent = parent, posixpath.dirname(parent)
    return frozenset(found)

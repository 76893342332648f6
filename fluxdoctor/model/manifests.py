"""What a Kustomization's directory says, read from the files of its source without running kustomize.

This follows resources, components and patches to know which objects a directory declares, in which file and line, and
which entries lead nowhere. It does not transform anything but names and namespaces; where something else decides
(generators, remote bases, plug-ins) the build says it is not complete.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import CLUSTER_SCOPED
from fluxdoctor.model.memo import Memo
from fluxdoctor.model.resource import Fields, Location, Marks, Ref, Resource
from fluxdoctor.model.tree import GitTrees, ParsedFile, Tree, clean

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_ENTRIES = ("resources", "bases", "components")
#: What kustomize adds to the name of a generated object.
_HASHED = re.compile(r"-[a-z0-9]{10}$")
_OPAQUE = ("generators", "transformers", "validators", "helmCharts", "helmChartInflationGenerator", "configurations")
_MAX_DIRECTORIES = 2000


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """An entry of a kustomization file, as written: the field, its text, where it stands and the path it means."""

    field: str
    text: str
    location: Location
    path: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch of a kustomization file: its target selector (empty: by the patch's own name) and where it stands."""

    target: Fields
    location: Location
    owner: str
    """The kustomization file."""
    path: str = ""
    """The file that holds it, "" when it stands in the kustomization file itself."""
    candidates: tuple[Resource, ...] = ()
    """The objects that were accumulated where the patch applies."""


@dataclass(frozen=True, slots=True)
class Build:
    """What a directory declares.

    ``missing``: entries that are neither a file nor a directory. ``bare``: entries that are directories without a
    kustomization file. ``remote``: entries fetched from elsewhere. ``broken``: files that are not YAML. ``complete``:
    nothing but the files read decides which objects there are.
    """

    objects: tuple[Resource, ...] = ()
    files: tuple[str, ...] = ()
    kustomizations: tuple[Resource, ...] = ()
    missing: tuple[ManifestEntry, ...] = ()
    bare: tuple[ManifestEntry, ...] = ()
    remote: tuple[ManifestEntry, ...] = ()
    broken: tuple[tuple[str, ParsedFile], ...] = ()
    patches: tuple[Patch, ...] = ()
    complete: bool = True


_REMOTE = re.compile(
    r"^(?:git::|gh:|git@|file:|/)|://|\.git(?:/|\?|$)|\?(?:ref|version|timeout|submodules)=|^[\w-]+\.(?:com|org|io|net)/"
)


def is_remote(entry: str) -> bool:
    """Tell whether an entry may mean something outside the tree: an address (kustomize 5.8, repospec.go), an absolute path."""
    return _REMOTE.search(entry) is not None


@dataclass(slots=True)
class _Walker:
    """The state of one walk through a directory of a tree and those that it leads to."""

    tree: Tree
    seen: list[str] = field(default_factory=list)
    """The directories on the way to it."""
    build: dict[str, list[object]] = field(default_factory=dict)
    complete: bool = True
    visits: int = 0
    whole: bool = True
    """Nothing was left out because of where the walk began."""

    def add(self, slot: str, item: object) -> None:
        self.build.setdefault(slot, []).append(item)

    def directory(self, path: str) -> tuple[Resource, ...]:
        """Accumulate a directory, which is the same wherever it is reached from: many are the base of dozens."""
        known = self.tree.memo(_accumulated)
        if path in self.seen or self.visits > _MAX_DIRECTORIES:
            self.complete = self.whole = False
            return ()
        held = known.get(path)
        if held is None:
            below = _Walker(self.tree, [*self.seen, path], visits=1)
            held = below, tuple(below.accumulated(path))
            if below.whole:
                known[path] = held
        self._join(held[0])
        return held[1]

    def _join(self, other: _Walker) -> None:
        for slot, items in other.build.items():
            self.build.setdefault(slot, []).extend(items)
        self.complete = self.complete and other.complete
        self.whole = self.whole and other.whole
        self.visits += other.visits

    def accumulated(self, path: str) -> list[Resource]:
        """Accumulate a directory as kustomize does; one without a kustomization file is scanned like the controller."""
        file = kustomization_file(self.tree, path)
        return self.kustomization(path, file) if file else self.scan(path)

    def scan(self, path: str) -> list[Resource]:
        """The controller generates a kustomization: every YAML file below, and each sub-directory that has its own."""
        directories, files = scanned(self.tree, path)
        found: list[Resource] = []
        for directory in directories:
            found += self.directory(directory)
        for file in files:
            found += self.manifests(file)
        return found

    def manifests(self, file: str) -> list[Resource]:
        parsed = self.tree.parsed(file)
        self.add("files", file)
        if parsed.flaw:
            self.complete = False
            self.add("broken", (file, parsed))
        return [item for document in parsed.documents for item in unlist(document)]

    def kustomization(self, path: str, file: str) -> list[Resource]:
        parsed = self.tree.parsed(file)
        self.add("files", file)
        if parsed.flaw or not parsed.documents:
            self.complete = False
            self.add("broken", (file, parsed))
            return []
        body = parsed.documents[0]
        self.add("kustomizations", body)
        self.complete = self.complete and not any(body.has(key) for key in _OPAQUE)
        found: list[Resource] = []
        for key in _ENTRIES:
            for i, text in enumerate(body.strings(key)):
                found += self.entry(body, (key, i), text, clean(posixpath.join(path, text)))
        found += _generated(body)
        for patch in _patches(body, file, tuple(found)):
            self.add("patches", patch)
        return _renamed(found, body)

    def entry(self, body: Resource, at: tuple[str, int], text: str, path: str) -> Sequence[Resource]:
        """Accumulate what an entry leads to. Where it stands is looked up only where it leads nowhere: most do not."""
        if is_remote(text):
            slot = "remote"
        elif self.tree.is_file(path) and at[0] != "components":
            return self.manifests(path)
        elif not self.tree.is_directory(path):
            slot = "missing"
        elif not kustomization_file(self.tree, path):
            slot = "bare"
        else:
            return self.directory(path)
        self.complete = False
        self.add(slot, ManifestEntry(at[0], text, body.at(at) or Location(body.file), path))
        return []

    def result(self, objects: list[Resource]) -> Build:
        slots = {name: tuple(items) for name, items in self.build.items()}
        return Build(objects=tuple(objects), complete=self.complete, **slots)  # type: ignore[arg-type]


def _below(path: str, directory: str) -> bool:
    return path != directory and (not directory or path.startswith(directory + "/"))


def _accumulated(_: Tree) -> dict[str, tuple[_Walker, tuple[Resource, ...]]]:
    """Return where the accumulated directories of a tree are remembered."""
    return {}


def _kustomization_files(_: Tree) -> dict[str, str]:
    """Return where the kustomization files of a tree are remembered, by directory."""
    return {}


def kustomization_file(tree: Tree, directory: str) -> str:
    """Return the kustomization file of a directory, or ""."""
    known = tree.memo(_kustomization_files)
    if directory not in known:
        paths = (posixpath.join(directory, name) for name in FILE_NAMES)
        known[directory] = next((p for p in paths if tree.is_file(p)), "")
    return known[directory]


def scanned(tree: Tree, directory: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the controller lists for a directory without a kustomization file (fluxcd/pkg kustomize 1.44), sorted.

    The directories below it that have one, which are not looked into, and the manifests elsewhere below. What is ignored is
    not in the artifact.
    """
    return tree.memo(_scanned, directory)


def _scanned(tree: Tree, directory: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    directories: list[str] = []
    for below in sorted(d for d in tree.directories if _below(d, directory)):
        file = "" if any(_below(below, d) for d in directories) else kustomization_file(tree, below)
        if file and file not in tree.excluded:
            directories.append(below)
    files = (f for f in tree.under(directory) if f.endswith((".yaml", ".yml")) and f not in tree.excluded)
    return tuple(directories), tuple(f for f in files if not any(_below(f, d) for d in directories))


def unlist(document: Resource) -> Iterator[Resource]:
    """Yield a document, or the items of a List."""
    if not (document.kind.endswith("List") and document.has("items")):
        yield document
        return
    for row in document.rows("items"):
        marks = {p[2:]: m for p, m in document.marks.items() if p[:2] == row.path}
        meta = row.fields("metadata")
        ref = Ref(row.text("kind"), meta.text("namespace"), meta.text("name"))
        yield Resource(body=row.body, ref=ref, file=document.file, marks=marks)


def _generated(body: Resource) -> Iterator[Resource]:
    for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for row in body.rows(key):
            made = {
                "kind": kind,
                "metadata": {"annotations": {"kustomize.config.k8s.io/generated": "true"}},
                "files": dict(_from_files(row, body.file)),
            }
            marks: Marks = {(): body.marks.get(row.path, (1, 1))}
            yield Resource(
                body=made, ref=Ref(kind, row.text("namespace"), row.text("name")), file=body.file, marks=marks
            )


def _from_files(row: Fields, file: str) -> Iterator[tuple[str, str]]:
    """Yield the keys that a generator makes of files, with the path of each: ``KEY=PATH``, or a path whose name is the key."""
    for text in row.strings("files"):
        key, _, path = text.rpartition("=")
        yield key or posixpath.basename(path), _beside(file, path)


def _patches(body: Resource, file: str, found: tuple[Resource, ...]) -> Iterator[Patch]:
    for key in ("patches", "patchesJson6902"):
        for row in body.rows(key):
            text = row.text("path")
            yield Patch(row.fields("target"), body.at(row.path) or Location(file), file, _beside(file, text), found)
    for i, text in enumerate(body.strings("patchesStrategicMerge")):
        if "\n" not in text:
            at = body.at(("patchesStrategicMerge", i)) or Location(file)
            yield Patch(Fields(), at, file, _beside(file, text), found)


def _beside(file: str, text: str) -> str:
    return clean(posixpath.join(posixpath.dirname(file), text)) if text else ""


def _renamed(found: list[Resource], body: Resource) -> list[Resource]:
    """Apply the namespace, namePrefix and nameSuffix of a kustomization file to the identity of objects."""
    namespace, prefix, suffix = (body.text(k) for k in ("namespace", "namePrefix", "nameSuffix"))
    if not (namespace or prefix or suffix):
        return found
    moved = ((r, _moved(r.ref, namespace, prefix, suffix)) for r in found)
    return [r if ref == r.ref else Resource(body=r.body, ref=ref, file=r.file, marks=r.marks) for r, ref in moved]


def _moved(ref: Ref, namespace: str, prefix: str, suffix: str) -> Ref:
    """Apply kustomize's name and namespace transformers with their default field specs (kustomize 5.8).

    The namespace transformer renames a Namespace; the prefix and suffix leave Namespaces and CRDs alone.
    """
    if ref.kind == "Namespace":
        return Ref(ref.kind, "", namespace or ref.name)
    name = ref.name if ref.kind == "CustomResourceDefinition" else f"{prefix}{ref.name}{suffix}"
    return Ref(ref.kind, ref.namespace if ref.kind in CLUSTER_SCOPED else namespace or ref.namespace, name)


def _renames(kustomization: Resource) -> tuple[str, str, str]:
    spec = kustomization.fields("spec")
    return spec.text("targetNamespace"), spec.text("namePrefix"), spec.text("nameSuffix")


def build(tree: Tree, path: str, components: tuple[str, ...] = ()) -> Build | None:
    """Read a directory of a tree, and the components that spec.components adds to it; None when it is not there."""
    directory = clean(path)
    if not tree.is_directory(directory):
        return None
    return tree.memo(_built, directory, components)


def _built(tree: Tree, directory: str, components: tuple[str, ...]) -> Build:
    walk = _Walker(tree)
    objects = list(walk.directory(directory))
    for component in components:
        added = clean(posixpath.join(directory, component))
        if tree.is_directory(added):
            objects += walk.directory(added)
    return walk.result(objects)


class Manifests(Memo):
    """The declarations in git of every Kustomization whose source tree is known."""

    def __init__(self, cluster: Cluster, git: GitTrees) -> None:
        """Nothing is read before it is asked for."""
        self._cluster = cluster
        self._git = git
        self._builds: dict[tuple[Ref, str, tuple[str, ...]], Build | None] = {}
        self._built: dict[int, tuple[Resource, Build | None]] = {}

    @staticmethod
    def source(kustomization: Resource) -> Ref:
        """Return the source that a Kustomization reads."""
        return kustomization.source_ref

    def tree(self, kustomization: Resource) -> Tree | None:
        """Return the files of a Kustomization's source, or None when they were not fetched."""
        return self._git.tree(self.source(kustomization))

    def build(self, kustomization: Resource) -> Build | None:
        """Return what a Kustomization's path declares, in the namespace that it targets; None when unknown."""
        # Every rule about builds asks for every Kustomization: the object itself is the quickest key.
        held = self._built.get(id(kustomization))
        if held is None or held[0] is not kustomization:
            held = self._built[id(kustomization)] = (kustomization, self._read(kustomization))
        return held[1]

    def _read(self, kustomization: Resource) -> Build | None:
        source, path = self.source(kustomization), kustomization.text("spec.path")
        components = kustomization.strings("spec.components")
        key = (source, path, components)
        if key not in self._builds:
            tree = self._git.tree(source)
            found = build(tree, path, components) if tree else None
            self._builds[key] = replace(found, complete=False) if found and self._is_mixed(source) else found
        return self._builds[key]

    def _is_mixed(self, source: Ref) -> bool:
        """Files of other repositories are in the artifact too, and not in the tree."""
        found = self._cluster.get(source)
        return found is not None and (found.has("spec.include") or found.flag("spec.recurseSubmodules"))

    @cached_property
    def _declared(self) -> dict[Ref, list[tuple[Ref, Resource]]]:
        found: dict[Ref, list[tuple[Ref, Resource]]] = {}
        for kustomization in self._cluster.all("Kustomization"):
            built = self.build(kustomization)
            for resource in built.objects if built else ():
                ref = self.live_ref(resource, kustomization)
                found.setdefault(ref, []).append((kustomization.ref, resource))
        return found

    @staticmethod
    def live_ref(declared: Resource, kustomization: Resource) -> Ref:
        """Return the identity that a declared object has in the cluster: the Kustomization's spec can change it."""
        return _moved(declared.ref, *kustomization.memo(_renames))

    def producers(self, ref: Ref) -> tuple[Ref, ...]:
        """Return the Kustomizations whose files declare an object."""
        return tuple(dict.fromkeys(owner for owner, _ in self._declared.get(ref, ())))

    def definition(self, ref: Ref, owner: Ref | None = None) -> Resource | None:
        """Return the declaration of an object in git: the owner's where several declare it."""
        found = self._declared.get(ref, ())
        ours = [resource for by, resource in found if by == owner] or [resource for _, resource in found]
        return ours[0] if ours else None

    def generated_from(self, live: Resource, key: str, owner: Ref | None = None) -> Resource | None:
        """Return the file that a generator made a key of a ConfigMap of, read; None where none in git has the very text."""
        for ref in (live.ref, live.ref._replace(name=_HASHED.sub("", live.name))):
            for by, declared in self._declared.get(ref, ()):
                file = declared.text(("files", key))
                maker = self._cluster.get(by) if file and by == (owner or by) else None
                tree = self.tree(maker) if maker else None
                if tree and tree.is_file(file) and tree.text(file) == live.text(("data", key)).encode():
                    return next(iter(tree.parsed(file).documents), None)
        return None

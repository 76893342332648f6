"""What a Kustomization's directory declares, read from the files of its source without running kustomize.

This follows resources, components and patches, to find which objects a directory declares, in which file and line, and
which entries do not exist. It only transforms names and namespaces. If generators, remote bases or plug-ins add objects, the
build is marked as not complete.
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
#: The hash that kustomize adds to the name of a generated object.
_HASHED = re.compile(r"-[a-z0-9]{10}$")
#: Fields that add or change objects in ways that are not read here.
_OPAQUE = ("generators", "transformers", "validators", "helmCharts", "helmChartInflationGenerator", "configurations")
_MAX_DIRECTORIES = 20_000


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """An entry of a kustomization file: the field, its text, its location, and the path that it names in the tree."""

    field: str
    text: str
    location: Location
    path: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch of a kustomization file: its target selector (if empty, the patch's own identity counts) and its location."""

    target: Fields
    location: Location
    owner: str
    """The kustomization file."""
    path: str = ""
    """The file of the patch, "" if it is inline in the kustomization file."""
    candidates: tuple[Resource, ...] = ()
    """The objects to which the patch can apply."""


@dataclass(frozen=True, slots=True)
class Build:
    """What a directory declares.

    ``missing``: entries that are neither a file nor a directory. ``bare``: entries that are directories without a
    kustomization file. ``remote``: entries that are fetched from other places. ``broken``: files that are not YAML.
    ``complete``: there are no objects but these.
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
    """Tell whether an entry may name something outside the tree: a URL (kustomize 5.8, repospec.go) or an absolute path."""
    return _REMOTE.search(entry) is not None


@dataclass(slots=True)
class _Walker:
    """The state of one walk through a directory of a tree and the directories that it includes."""

    tree: Tree
    parents: list[str] = field(default_factory=list)
    """The directories from which this one was reached."""
    build: dict[str, list[object]] = field(default_factory=dict)
    """The items of the fields of the Build."""
    is_complete: bool = True
    visits: int = 0
    is_reusable: bool = True
    """Nothing was skipped because of the parents or the limit, so the result is the same for other parents."""

    def add(self, slot: str, item: object) -> None:
        self.build.setdefault(slot, []).append(item)

    def directory(self, path: str) -> tuple[Resource, ...]:
        """Accumulate a directory. The result is cached, because one directory is often the base of dozens of others."""
        cache = self.tree.memo(_accumulation_cache)
        if path in self.parents or self.visits > _MAX_DIRECTORIES:
            self.is_complete = self.is_reusable = False
            return ()
        accumulation = cache.get(path)
        if accumulation is None:
            walker = _Walker(self.tree, [*self.parents, path], visits=1)
            accumulation = walker, tuple(walker.accumulated(path))
            if walker.is_reusable:
                cache[path] = accumulation
        self._join(accumulation[0])
        return accumulation[1]

    def _join(self, other: _Walker) -> None:
        for slot, items in other.build.items():
            self.build.setdefault(slot, []).extend(items)
        self.is_complete = self.is_complete and other.is_complete
        self.is_reusable = self.is_reusable and other.is_reusable
        self.visits += other.visits

    def accumulated(self, path: str) -> list[Resource]:
        """Accumulate a directory as kustomize does; one without a kustomization file is scanned as the controller does."""
        file = kustomization_file(self.tree, path)
        return self.kustomization(path, file) if file else self.scan(path)

    def scan(self, path: str) -> list[Resource]:
        """Accumulate every YAML file below a directory, and each subdirectory with a kustomization file of its own.

        The controller generates a kustomization file with these entries.
        """
        directories, files = scanned(self.tree, path)
        objects: list[Resource] = []
        for directory in directories:
            objects += self.directory(directory)
        for file in files:
            objects += self.manifests(file)
        return objects

    def manifests(self, file: str) -> list[Resource]:
        parsed = self.tree.parsed(file)
        self.add("files", file)
        if parsed.flaw:
            self.is_complete = False
            self.add("broken", (file, parsed))
        return [item for document in parsed.documents for item in unlist(document)]

    def kustomization(self, path: str, file: str) -> list[Resource]:
        parsed = self.tree.parsed(file)
        self.add("files", file)
        if parsed.flaw or not parsed.documents:
            self.is_complete = False
            self.add("broken", (file, parsed))
            return []
        body = parsed.documents[0]
        self.add("kustomizations", body)
        self.is_complete = self.is_complete and not any(body.has(key) for key in _OPAQUE)
        objects: list[Resource] = []
        for key in _ENTRIES:
            for i, text in enumerate(body.strings(key)):
                objects += self.entry(body, (key, i), text, clean(posixpath.join(path, text)))
        objects += _generated(body)
        for patch in _patches(body, file, tuple(objects)):
            self.add("patches", patch)
        return _renamed(objects, body)

    def entry(self, body: Resource, at: tuple[str, int], text: str, path: str) -> Sequence[Resource]:
        """Accumulate the file or directory of an entry. Its location is only looked up if there is none, which is rare."""
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
        self.is_complete = False
        self.add(slot, ManifestEntry(at[0], text, body.at(at) or Location(body.file), path))
        return []

    def result(self, objects: list[Resource]) -> Build:
        slots = {name: tuple(items) for name, items in self.build.items()}
        return Build(objects=tuple(objects), complete=self.is_complete, **slots)  # type: ignore[arg-type]


def _below(path: str, directory: str) -> bool:
    return path != directory and (not directory or path.startswith(directory + "/"))


def _accumulation_cache(_: Tree) -> dict[str, tuple[_Walker, tuple[Resource, ...]]]:
    """Return the cache of the accumulated directories of a tree."""
    return {}


def _kustomization_file_cache(_: Tree) -> dict[str, str]:
    """Return the cache of the kustomization files of a tree, by directory."""
    return {}


def kustomization_file(tree: Tree, directory: str) -> str:
    """Return the kustomization file of a directory, or ""."""
    cache = tree.memo(_kustomization_file_cache)
    if directory not in cache:
        paths = (posixpath.join(directory, name) for name in FILE_NAMES)
        cache[directory] = next((p for p in paths if tree.is_file(p)), "")
    return cache[directory]


def scanned(tree: Tree, directory: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the directories and files that the controller lists for a directory without a kustomization file, sorted.

    These are the subdirectories that have a kustomization file, which are not searched further, and the manifests in all other
    subdirectories (fluxcd/pkg kustomize 1.44). Ignored files are not in the artifact.
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
            content = {
                "kind": kind,
                "metadata": {"annotations": {"kustomize.config.k8s.io/generated": "true"}},
                "files": dict(_from_files(row, body.file)),
            }
            marks: Marks = {(): body.marks.get(row.path, (1, 1))}
            yield Resource(
                body=content, ref=Ref(kind, row.text("namespace"), row.text("name")), file=body.file, marks=marks
            )


def _from_files(row: Fields, file: str) -> Iterator[tuple[str, str]]:
    """Yield (key, path) for each file of a generator: ``KEY=PATH``, or a path whose file name is the key."""
    for text in row.strings("files"):
        key, _, path = text.rpartition("=")
        yield key or posixpath.basename(path), _beside(file, path)


def _patches(body: Resource, file: str, candidates: tuple[Resource, ...]) -> Iterator[Patch]:
    for key in ("patches", "patchesJson6902"):
        for row in body.rows(key):
            text = row.text("path")
            yield Patch(
                row.fields("target"), body.at(row.path) or Location(file), file, _beside(file, text), candidates
            )
    for i, text in enumerate(body.strings("patchesStrategicMerge")):
        if "\n" not in text:
            at = body.at(("patchesStrategicMerge", i)) or Location(file)
            yield Patch(Fields(), at, file, _beside(file, text), candidates)


def _beside(file: str, text: str) -> str:
    return clean(posixpath.join(posixpath.dirname(file), text)) if text else ""


def _renamed(objects: list[Resource], body: Resource) -> list[Resource]:
    """Apply the namespace, namePrefix and nameSuffix of a kustomization file to the identity of objects."""
    namespace, prefix, suffix = (body.text(k) for k in ("namespace", "namePrefix", "nameSuffix"))
    if not (namespace or prefix or suffix):
        return objects
    refs = ((r, _renamed_ref(r.ref, namespace, prefix, suffix)) for r in objects)
    return [r if ref == r.ref else Resource(body=r.body, ref=ref, file=r.file, marks=r.marks) for r, ref in refs]


def _renamed_ref(ref: Ref, namespace: str, prefix: str, suffix: str) -> Ref:
    """Return an identity after kustomize's name and namespace transformers with their default field specs (kustomize 5.8).

    The namespace transformer renames a Namespace. Prefix and suffix do not change Namespaces and CRDs.
    """
    if ref.kind == "Namespace":
        return Ref(ref.kind, "", namespace or ref.name)
    name = ref.name if ref.kind == "CustomResourceDefinition" else f"{prefix}{ref.name}{suffix}"
    return Ref(ref.kind, ref.namespace if ref.kind in CLUSTER_SCOPED else namespace or ref.namespace, name)


def _renames(kustomization: Resource) -> tuple[str, str, str]:
    spec = kustomization.fields("spec")
    return spec.text("targetNamespace"), spec.text("namePrefix"), spec.text("nameSuffix")


def build(tree: Tree, path: str, components: tuple[str, ...] = ()) -> Build | None:
    """Return the build of a directory and of the components that spec.components adds; None if it does not exist."""
    directory = clean(path)
    if not tree.is_directory(directory):
        return None
    return tree.memo(_build, directory, components)


def _build(tree: Tree, directory: str, components: tuple[str, ...]) -> Build:
    walker = _Walker(tree)
    objects = list(walker.directory(directory))
    for component in components:
        path = clean(posixpath.join(directory, component))
        if tree.is_directory(path):
            objects += walker.directory(path)
    return walker.result(objects)


class Manifests(Memo):
    """The declarations in git of every Kustomization whose source tree was fetched."""

    def __init__(self, cluster: Cluster, git: GitTrees) -> None:
        """Builds are read when they are needed."""
        self._cluster = cluster
        self._git = git
        self._builds: dict[tuple[Ref, str, tuple[str, ...]], Build | None] = {}
        self._builds_by_id: dict[int, tuple[Resource, Build | None]] = {}

    @staticmethod
    def source(kustomization: Resource) -> Ref:
        """Return the source that a Kustomization reads."""
        return kustomization.source_ref

    def tree(self, kustomization: Resource) -> Tree | None:
        """Return the files of a Kustomization's source, or None if they were not fetched."""
        return self._git.tree(self.source(kustomization))

    def build(self, kustomization: Resource) -> Build | None:
        """Return the build of a Kustomization's path; None if its files were not fetched or the path does not exist."""
        # Every rule about builds reads those of all Kustomizations: the id of the object is the fastest key.
        entry = self._builds_by_id.get(id(kustomization))
        if entry is None or entry[0] is not kustomization:
            entry = self._builds_by_id[id(kustomization)] = (kustomization, self._read(kustomization))
        return entry[1]

    def _read(self, kustomization: Resource) -> Build | None:
        source, path = self.source(kustomization), kustomization.text("spec.path")
        components = kustomization.strings("spec.components")
        key = (source, path, components)
        if key not in self._builds:
            tree = self._git.tree(source)
            result = build(tree, path, components) if tree else None
            self._builds[key] = replace(result, complete=False) if result and self._is_mixed(source) else result
        return self._builds[key]

    def _is_mixed(self, source: Ref) -> bool:
        """Tell whether the artifact also contains files of other repositories, which are not in the tree."""
        resource = self._cluster.get(source)
        return resource is not None and (resource.has("spec.include") or resource.flag("spec.recurseSubmodules"))

    @cached_property
    def _declared(self) -> dict[Ref, list[tuple[Ref, Resource]]]:
        """The declarations of each object, with the Kustomization of each."""
        declarations: dict[Ref, list[tuple[Ref, Resource]]] = {}
        for kustomization in self._cluster.all("Kustomization"):
            result = self.build(kustomization)
            for resource in result.objects if result else ():
                ref = self.live_ref(resource, kustomization)
                declarations.setdefault(ref, []).append((kustomization.ref, resource))
        return declarations

    @staticmethod
    def live_ref(declared: Resource, kustomization: Resource) -> Ref:
        """Return the identity that a declared object has in the cluster: the Kustomization's spec can change it."""
        return _renamed_ref(declared.ref, *kustomization.memo(_renames))

    def producers(self, ref: Ref) -> tuple[Ref, ...]:
        """Return the Kustomizations whose files declare an object."""
        return tuple(dict.fromkeys(owner for owner, _ in self._declared.get(ref, ())))

    def definition(self, ref: Ref, owner: Ref | None = None) -> Resource | None:
        """Return the declaration of an object in git: the owner's if there are several; None if there is none."""
        declarations = self._declared.get(ref, ())
        own = (resource for by, resource in declarations if by == owner)
        return next(own, declarations[0][1] if declarations else None)

    def generated_from(self, live: Resource, key: str, owner: Ref | None = None) -> Resource | None:
        """Return the parsed file from which a generator created a key of a ConfigMap; None if no file has exactly its text."""
        for ref in (live.ref, live.ref._replace(name=_HASHED.sub("", live.name))):
            for by, declared in self._declared.get(ref, ()):
                file = declared.text(("files", key))
                maker = self._cluster.get(by) if file and by == (owner or by) else None
                tree = self.tree(maker) if maker else None
                if tree and tree.is_file(file) and tree.text(file) == live.text(("data", key)).encode():
                    return next(iter(tree.parsed(file).documents), None)
        return None

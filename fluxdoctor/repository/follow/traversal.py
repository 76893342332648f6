"""From an entry point through every Kustomization that it applies, as Flux would: what one cluster gets declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import orjson

from fluxdoctor.model import manifests
from fluxdoctor.model.manifests import Manifests
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.tree import clean
from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.origins import Origin
from fluxdoctor.repository.build.render import Renderer
from fluxdoctor.repository.build.rendering import Rendering
from fluxdoctor.repository.build.substitute import Variables, unknown
from fluxdoctor.repository.follow import artifacts, declared, mutations, postbuild, steps
from fluxdoctor.repository.follow.cluster_contents import ClusterContents
from fluxdoctor.repository.follow.discovery import EntryPoint
from fluxdoctor.repository.follow.steps import Steps

_MOST = 20_000
_PASSES = 3
#: How often a Kustomization that applies itself may change itself: its patches, then their variables.
_MOST_SELVES = 4
_NOT_BUILT = {
    "conditions": [{"type": "Ready", "status": "True", "reason": "NotBuilt", "message": "not in these files"}]
}


class Traversal:
    """One walk; the renderer is shared, so that a base of several clusters is built once."""

    def __init__(
        self, entry: EntryPoint, renderer: Renderer, pool: Executor, urls: Iterable[str] = (),
        derive: Callable[[Renderer, Mapping[str, str]], Renderer] | None = None,
    ) -> None:  # fmt: skip
        """``urls``: other addresses of this very repository; ``derive`` makes the renderer of an artifact of its files."""
        self._entry = entry
        self._renderer = renderer
        self._derive = derive
        self._derived: dict[Ref, tuple[Renderer, Mapping[str, str]]] = {}
        self._pool = pool
        self._urls = {artifacts.plain(u) for u in (entry.url, *urls) if u}
        self._config: dict[Ref, Resource] = {}
        self._read: list[tuple[Ref, object]] = []
        """The data of the ConfigMaps with variables, as it was when it was read."""
        self._is_open = False
        """Something in the cluster may give Kustomizations more variables."""

    def run(self) -> Steps[ClusterContents]:
        """Walk until no more variable becomes known."""
        reached = yield from self._once()
        for _ in range(_PASSES - 1):
            config = {ref: r for ref, r in reached.objects.items() if ref.kind == "ConfigMap"}
            is_open = any(map(mutations.changes_kustomizations, reached.objects.values()))
            if is_open == self._is_open and all(_data(config.get(ref)) == data for ref, data in self._read):
                break
            self._config, self._is_open = config, is_open
            reached = yield from self._once()
        return reached

    def _once(self) -> Steps[ClusterContents]:
        reached = ClusterContents(self._entry)
        self._read = []
        for resource in (*self._entry.objects, self._entry.kustomization):
            reached.objects[resource.ref] = resource
        todo = [self._entry.kustomization]
        done: set[tuple[Ref, str]] = set()
        built: set[tuple[Ref, str]] = set()
        waiting: list[Resource] = []
        more = True
        while (todo or more) and len(reached.objects) < _MOST:
            keyed = {_key(k): k for k in todo}
            waiting += [k for key, k in keyed.items() if key not in done]
            done |= keyed.keys()
            mine = [k for k in waiting if _same_spec(k, reached.objects.get(k.ref)) and self._is_ours(k, reached)]
            # Flux ends with what one that applies itself makes of itself: what stands beside it comes from that.
            first = [k for k in mine if _place_of(k) in built] or mine
            built |= {_place_of(k) for k in first}
            waiting = [k for k in waiting if k not in first]
            todo = yield from self._build(first, reached)
            more = len(first) < len(mine)
            if self._make_artifacts(reached):
                todo += waiting
                done -= {_key(k) for k in waiting}
                waiting = []
        for kustomization in waiting:
            held = reached.objects.get(kustomization.ref)
            if held and _same_spec(kustomization, held):
                reached.foreign.add(held.ref)
                # Which files it builds is not known: no rule that reads files may judge it.
                reached.objects[held.ref] = _with_status(held, _NOT_BUILT)
        reached.places = artifacts.places({ref: files for ref, (_, files) in self._derived.items()})
        return reached

    def _build(self, kustomizations: list[Resource], reached: ClusterContents) -> Steps[list[Resource]]:
        """Build Kustomizations and add what they declare; return the Kustomizations among it."""
        found: list[Resource] = []
        late = []
        begun = [self._of(kustomization).begin(kustomization, self._pool) for kustomization in kustomizations]
        yield None  # the builds of all clusters are begun before one is waited for
        for kustomization, build in zip(kustomizations, begun, strict=True):
            rendering = yield from steps.ended(build)
            kustomization, rendering = yield from self._settled(kustomization, rendering, reached)  # noqa: PLW2901 - the end of it
            if self._knows(kustomization, reached):
                found += self._take(kustomization, rendering, reached)
            else:
                late.append((kustomization, rendering))
        for kustomization, rendering in late:  # one beside them may declare their variables
            found += self._take(kustomization, rendering, reached)
        return found

    def _settled(
        self, kustomization: Resource, rendering: Rendering, reached: ClusterContents
    ) -> Steps[tuple[Resource, Rendering]]:
        """Return what a Kustomization that applies itself makes of itself in the end, and the build of that."""
        for _ in range(_MOST_SELVES):
            own = self._own(kustomization, rendering, reached)
            if own is None or _same_spec(own, kustomization) or _place_of(own) != _place_of(kustomization):
                break
            kustomization, rendering = own, (yield from steps.ended(self._of(own).begin(own, self._pool)))
            reached.objects[own.ref] = own
        return kustomization, rendering

    def _own(self, kustomization: Resource, rendering: Rendering, reached: ClusterContents) -> Resource | None:
        """Return a Kustomization as its own build declares it."""
        headers = ((pair, pair[0].header) for pair in _pairs(rendering))
        mine = [
            pair for pair, header in headers if header.kind == "Kustomization" and header.name == kustomization.name
        ]
        if rendering.error or not mine:
            return None
        variables = self._variables(kustomization, rendering, reached)
        found = self._read_as(kustomization, mine, variables)
        return next((resource for resource in found if resource.ref == kustomization.ref), None)

    def _of(self, kustomization: Resource) -> Renderer:
        derived = self._derived.get(Manifests.source(kustomization))
        return derived[0] if derived else self._renderer

    def _misses_a_graft(self, kustomization: Resource, rendering: Rendering, reached: ClusterContents) -> bool:
        """Tell whether a build may fail here only because another repository fills a folder of its source."""
        source = reached.objects.get(Manifests.source(kustomization))
        folders = artifacts.grafts(source, self._of(kustomization).tree) if rendering.error else ()
        if rendering.reason == "ArtifactFailed":
            path = clean(kustomization.text("spec.path"))
            return any(path == f or path.startswith(f + "/") or f.startswith(path + "/") for f in folders)
        missing = ("no such file", "no matches for", "is not there")
        return bool(folders) and any(words in rendering.error for words in missing)

    def _knows(self, kustomization: Resource, reached: ClusterContents) -> bool:
        """Tell whether the ConfigMaps that hold its variables are known by now."""
        return all(ref in self._config or ref in reached.objects for ref in declared.variable_maps(kustomization))

    def _make_artifacts(self, reached: ClusterContents) -> bool:
        """Add what ArtifactGenerators make of this repository; tell whether there is something new."""
        before = len(self._derived)
        tree = self._renderer.tree
        for generator in [r for r in reached.objects.values() if r.kind == "ArtifactGenerator"]:
            for source in (*reached.trees, self._entry.source):
                for ref, files in artifacts.of(generator, source, lambda p: (p,) if tree.is_file(p) else tree.under(p)):
                    if ref not in self._derived and self._derive:
                        self._derived[ref] = (self._derive(self._renderer, files), files)
        return len(self._derived) > before

    def _is_ours(self, kustomization: Resource, reached: ClusterContents) -> bool:
        """Tell whether the path of a Kustomization is in this repository."""
        source = Manifests.source(kustomization)
        path = kustomization.text("spec.path")
        if unknown(path) or unknown(source.name) or unknown(source.namespace) or not source.name:
            return False
        if source not in self._derived and source != self._entry.source:
            self._take_pushed(source, path, reached)
        if source in self._derived or self._is_own(source, path, reached):
            reached.trees[source] = self._of(kustomization).tree
            return True
        return False

    def _take_pushed(self, source: Ref, path: str, reached: ClusterContents) -> None:
        """Add an OCI artifact that is made of a folder of this repository."""
        found = reached.objects.get(source)
        if found is not None and source.kind == "OCIRepository" and self._derive:
            files = artifacts.pushed(found.text("spec.url"), self._urls, path, self._renderer.tree)
            if files:
                self._derived[source] = (self._derive(self._renderer, files), files)

    def _is_own(self, source: Ref, path: str, reached: ClusterContents) -> bool:
        if source == self._entry.source:
            # A path that is the whole of it, where nothing here says what it is: as likely another repository.
            return bool(clean(path)) or not self._entry.implied or source in reached.objects
        found = reached.objects.get(source)
        if found is not None:
            url = found.text("spec.url")
            same_ref = _branch(found) == _branch(reached.objects.get(self._entry.source))
            return bool(url) and artifacts.plain(url) in self._urls and same_ref and not found.has("spec.include")
        if source.kind == "ExternalArtifact":
            return False
        # Nobody declares it: what is used like the entry's own, or has its path here, is this repository.
        named = (source.kind, source.name) == (self._entry.source.kind, self._entry.source.name)
        return named or (self._entry.implied and bool(clean(path)) and self._renderer.tree.is_directory(path))

    def _take(self, kustomization: Resource, rendering: Rendering, reached: ClusterContents) -> list[Resource]:
        """Add what a Kustomization declares; return the Kustomizations among it."""
        suspended = kustomization.flag("spec.suspend")
        if grafted := self._misses_a_graft(kustomization, rendering, reached):
            rendering = replace(rendering, error="", partial=True)
        self._note(kustomization, rendering, reached)
        found = list(self._objects(kustomization, rendering, reached))
        status = _NOT_BUILT if grafted else _status(rendering, found)
        held = reached.objects.get(kustomization.ref, kustomization)
        if not suspended:
            reached.objects[kustomization.ref] = _with_status(held, status)
        directory = clean(kustomization.text("spec.path"))
        tree = self._of(kustomization).tree
        reached.folders.add(self._place(kustomization, directory))
        reached.files.add(self._place(kustomization, manifests.kustomization_file(tree, directory) or directory))
        reached.files |= {self._place(kustomization, file) for file in rendering.files}
        if kustomization.has("spec.kubeConfig"):
            return []  # its objects are on another cluster
        for resource in found:
            reached.files.add(resource.file)
            if (rendering.error or rendering.raw) and resource.ref.kind in ("ConfigMap", "Secret"):
                continue  # what a generator would have made is not known
            reached.owners.setdefault(resource.ref, []).append(kustomization.ref)
            implied = self._entry.implied and kustomization is self._entry.kustomization
            if not suspended and not rendering.error and not implied:
                reached.variants.setdefault(resource.ref, {})[kustomization.ref] = resource
            before = reached.objects.get(resource.ref)
            if before is not None and before.has("status") and _same_spec(before, resource):
                reached.objects[resource.ref] = _with_status(resource, before.get("status"))
            else:
                reached.objects[resource.ref] = resource
        return [
            r
            for r in found
            if r.ref.kind == "Kustomization" and (r.ref != kustomization.ref or not _same_spec(r, kustomization))
        ]

    def _note(self, kustomization: Resource, rendering: Rendering, reached: ClusterContents) -> None:
        """Note what is not known of a build."""
        if rendering.partial or rendering.error:
            reached.partial.add(kustomization.ref)
        if rendering.raw and rendering.changed is None:
            reached.unbuilt.add(kustomization.ref)
        if rendering.stopped:
            reached.stopped[kustomization.ref] = rendering.stopped
        if rendering.error:
            reached.failed.add(kustomization.ref)
            reached.lost |= self._of(kustomization).lost(rendering)

    def _place(self, kustomization: Resource, path: str) -> str:
        derived = self._derived.get(Manifests.source(kustomization))
        return derived[1].get(path, path) if derived else path

    def _variables(self, kustomization: Resource, rendering: Rendering, reached: ClusterContents) -> Variables:
        """What the last walk has found goes before what this one has: it is the end of it."""
        wanted = declared.variable_maps(kustomization)
        known = {ref: r for ref in wanted if (r := self._config.get(ref) or reached.objects.get(ref))}
        if len(known) < len(wanted):  # a Kustomization may declare its own
            for resource in self._read_as(kustomization, _pairs(rendering), Variables()):
                if resource.ref in wanted:
                    known.setdefault(resource.ref, resource)
        self._read += [(ref, _data(known.get(ref))) for ref in wanted]
        found = declared.variables(kustomization, known)
        return replace(found, open=True) if self._is_open else found

    def _objects(self, kustomization: Resource, rendering: Rendering, reached: ClusterContents) -> Iterable[Resource]:
        if not rendering.raw:
            variables = self._variables(kustomization, rendering, reached)
            if variables.active and not rendering.error:
                reached.faults[kustomization.ref] = postbuild.faults(rendering.documents, variables)
            yield from self._read_as(kustomization, _pairs(rendering), variables)
            return
        tree = self._of(kustomization).tree
        built = manifests.build(tree, kustomization.text("spec.path"), kustomization.strings("spec.components"))
        for resource in built.objects if built else ():
            ref = Manifests.live_ref(resource, kustomization)
            if ref.kind and ref.name:
                if self._is_unsure(kustomization, reached) or _may_change(resource, rendering):
                    reached.raw.add(ref)
                yield replace(resource, ref=ref)

    def _is_unsure(self, kustomization: Resource, reached: ClusterContents) -> bool:
        """Tell whether a Kustomization is only known as it is written. Where a cluster begins is known by itself."""
        return kustomization.ref in reached.raw and kustomization.ref != self._entry.kustomization.ref

    def _read_as(
        self, kustomization: Resource, documents: Iterable[tuple[BuiltDocument, Origin | None]], variables: Variables
    ) -> Iterable[Resource]:
        tree = self._of(kustomization).tree
        for document, origin in documents:
            for resource in declared.read(document, origin, variables, kustomization, tree):
                place = self._place(kustomization, resource.file)
                yield resource if place == resource.file else replace(resource, file=place)


def _may_change(resource: Resource, rendering: Rendering) -> bool:
    """Tell whether a build that was not made may make something else of a manifest."""
    names = rendering.changed
    if names is None or unknown(orjson.dumps(resource.body).decode()):
        return True
    return (resource.text("kind"), "") in names or (resource.text("kind"), resource.name) in names


def _pairs(rendering: Rendering) -> Iterable[tuple[BuiltDocument, Origin | None]]:
    return zip(rendering.documents, rendering.origins, strict=True)


def _place_of(kustomization: Resource) -> tuple[Ref, str]:
    return Manifests.source(kustomization), clean(kustomization.text("spec.path"))


def _same_spec(one: Resource, other: Resource | None) -> bool:
    return other is not None and one.get("spec") == other.get("spec")


def _key(kustomization: Resource) -> tuple[Ref, str]:
    return kustomization.ref, repr(kustomization.get("spec"))


def _data(config: Resource | None) -> object:
    return config.get("data") if config else None


def _status(rendering: Rendering, found: list[Resource]) -> dict[str, Any]:
    """Return what kustomize-controller would write of such a build, so that the rules of a live cluster can read it."""
    if rendering.error:
        ready = {"type": "Ready", "status": "False", "reason": rendering.reason, "message": rendering.error}
        return {"conditions": [ready]}
    entries = [{"id": f"{r.namespace}_{r.name.replace(':', '__')}_{r.group}_{r.text('kind')}"} for r in found]
    ready = {"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": "built"}
    return {"conditions": [ready], "inventory": {"entries": entries}}


def _with_status(resource: Resource, status: Mapping[str, Any]) -> Resource:
    return replace(resource, body={**resource.body, "status": status})


def _branch(source: Resource | None) -> str:
    """Return what a source follows, as source-controller chooses among several fields (1.9, GitRepositoryRef)."""
    ref = source.fields("spec.ref") if source else None
    if ref is None:
        return ""
    name = ref.text("name").removeprefix("refs/heads/")
    return ref.text("commit") or name or ref.text("semver") or ref.text("tag") or ref.text("branch")

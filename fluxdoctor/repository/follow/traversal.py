"""Follows every Kustomization from an entry point, as Flux would, and collects what one cluster gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import orjson

from fluxdoctor.model import manifests
from fluxdoctor.model.gaps import Gap, GapReason, StepScope
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

_MAX_OBJECTS = 200_000
_MAX_PASSES = 3
#: How often a Kustomization that applies itself may change itself: first its patches, then their variables.
_MAX_SELF_CHANGES = 4
_NOT_BUILT = {
    "conditions": [{"type": "Ready", "status": "True", "reason": "NotBuilt", "message": "not in these files"}]
}
#: Words of an error about a file or an object that may be in a folder that another repository fills.
_MISSING = ("no such file", "no matches for", "files that do not exist are listed")


class Traversal:
    """The traversal for one cluster. Clusters share a renderer, so that a common base is built once."""

    def __init__(
        self, entry: EntryPoint, renderer: Renderer, pool: Executor, urls: Iterable[str] = (),
        renderer_of: Callable[[Renderer, Mapping[str, str]], Renderer] | None = None,
    ) -> None:  # fmt: skip
        """``urls``: other addresses of this repository; ``renderer_of``: returns the renderer of an artifact derived from it."""
        self._entry = entry
        self._renderer = renderer
        self._renderer_of = renderer_of
        self._derived: dict[Ref, tuple[Renderer, Mapping[str, str]]] = {}
        self._pool = pool
        self._urls = {artifacts.normalize_url(u) for u in (entry.url, *urls) if u}
        self._config_maps: dict[Ref, Resource] = {}
        """The ConfigMaps that the previous pass ended with."""
        self._inputs: list[tuple[Ref, object]] = []
        """The data of the ConfigMaps with variables, as this pass used it."""
        self._is_open = False
        """An object of the cluster may give Kustomizations more variables."""

    def run(self) -> Steps[ClusterContents]:
        """Repeat the traversal until no variable changes."""
        contents = yield from self._run_pass()
        for _ in range(_MAX_PASSES - 1):
            if not self._has_new_variables(contents):
                return contents
            contents = yield from self._run_pass()
        if self._has_new_variables(contents):
            why = f"the variables in its ConfigMaps still change after {_MAX_PASSES} passes"
            contents.gaps.append(_stopped(self._entry.kustomization.ref, GapReason.TOO_LARGE, why))
        return contents

    def _has_new_variables(self, contents: ClusterContents) -> bool:
        """Tell whether a pass ended with other variables than it used, and use those of its end from now on."""
        config_maps = {ref: r for ref, r in contents.objects.items() if ref.kind == "ConfigMap"}
        is_open = any(map(mutations.changes_kustomizations, contents.objects.values()))
        if is_open == self._is_open and all(_data(config_maps.get(ref)) == data for ref, data in self._inputs):
            return False
        self._config_maps, self._is_open = config_maps, is_open
        return True

    def _run_pass(self) -> Steps[ClusterContents]:
        contents = ClusterContents(self._entry)
        self._inputs = []
        for resource in (*self._entry.objects, self._entry.kustomization):
            contents.objects[resource.ref] = resource
        pending = [self._entry.kustomization]
        done: set[tuple[Ref, str]] = set()
        built_paths: set[tuple[Ref, str]] = set()
        waiting: list[Resource] = []
        has_more = True
        while (pending or has_more) and len(contents.objects) < _MAX_OBJECTS:
            by_key = {_key(k): k for k in pending}
            waiting += [k for key, k in by_key.items() if key not in done]
            done |= by_key.keys()
            ready = [
                k for k in waiting if _has_same_spec(k, contents.objects.get(k.ref)) and self._is_ours(k, contents)
            ]
            # A Kustomization that applies itself replaces its folder's other objects too. Build its last version first.
            batch = [k for k in ready if _source_and_path(k) in built_paths] or ready
            built_paths |= {_source_and_path(k) for k in batch}
            waiting = [k for k in waiting if k not in batch]
            pending = yield from self._build(batch, contents)
            has_more = len(batch) < len(ready)
            if self._add_generated_artifacts(contents):
                pending += waiting
                done -= {_key(k) for k in waiting}
                waiting = []
        if len(contents.objects) >= _MAX_OBJECTS:
            why = f"not built: the cluster has more than {_MAX_OBJECTS:,} objects, the limit of fluxdoctor"
            contents.gaps += [_stopped(k.ref, GapReason.TOO_LARGE, why) for k in (*pending, *waiting)]
        self._mark_foreign(waiting, contents)
        contents.source_paths = artifacts.source_paths({ref: files for ref, (_, files) in self._derived.items()})
        return contents

    def _mark_foreign(self, kustomizations: list[Resource], contents: ClusterContents) -> None:
        for kustomization in kustomizations:
            applied = contents.objects.get(kustomization.ref)
            if applied and _has_same_spec(kustomization, applied):
                contents.foreign.add(applied.ref)
                # Its files are unknown, so no rule that reads files may judge it.
                contents.objects[applied.ref] = _with_status(applied, _NOT_BUILT)

    def _build(self, kustomizations: list[Resource], contents: ClusterContents) -> Steps[list[Resource]]:
        """Build Kustomizations and add the objects that they declare. Return the Kustomizations among these objects."""
        children: list[Resource] = []
        deferred = []
        builds = [self._renderer_for(k).start(k, self._pool) for k in kustomizations]
        yield None  # start the builds of all clusters before waiting for one
        for kustomization, build in zip(kustomizations, builds, strict=True):
            rendering = yield from steps.result_of(build)
            final, rendering = yield from self._apply_to_itself(kustomization, rendering, contents)
            if self._has_variable_maps(final, contents):
                children += self._add(final, rendering, contents)
            else:
                deferred.append((final, rendering))
        for kustomization, rendering in deferred:  # another one of this batch may declare their variables
            children += self._add(kustomization, rendering, contents)
        return children

    def _apply_to_itself(
        self, kustomization: Resource, rendering: Rendering, contents: ClusterContents
    ) -> Steps[tuple[Resource, Rendering]]:
        """Return the version of a Kustomization that applies itself when it no longer changes, and its build."""
        for count in range(_MAX_SELF_CHANGES + 1):
            applied = self._self_declaration(kustomization, rendering, contents)
            if applied is None or _has_same_spec(applied, kustomization):
                break
            if _source_and_path(applied) != _source_and_path(kustomization):
                break
            if count == _MAX_SELF_CHANGES:
                why = f"it still changes itself after {_MAX_SELF_CHANGES} builds"
                contents.gaps.append(_stopped(kustomization.ref, GapReason.TOO_LARGE, why))
                break
            build = self._renderer_for(applied).start(applied, self._pool)
            kustomization, rendering = applied, (yield from steps.result_of(build))
            contents.objects[applied.ref] = applied
        return kustomization, rendering

    def _self_declaration(
        self, kustomization: Resource, rendering: Rendering, contents: ClusterContents
    ) -> Resource | None:
        """Return a Kustomization as its own build declares it, or None."""
        headers = ((pair, pair[0].header) for pair in _pairs(rendering))
        pairs = [
            pair for pair, header in headers if header.kind == "Kustomization" and header.name == kustomization.name
        ]
        if rendering.error or not pairs:
            return None
        variables = self._variables(kustomization, rendering, contents)
        resources = self._resources(kustomization, pairs, variables)
        return next((resource for resource in resources if resource.ref == kustomization.ref), None)

    def _renderer_for(self, kustomization: Resource) -> Renderer:
        derived = self._derived.get(Manifests.source(kustomization))
        return derived[0] if derived else self._renderer

    def _needs_external_folder(self, kustomization: Resource, rendering: Rendering, contents: ClusterContents) -> bool:
        """Tell whether a build may fail only because another repository fills a folder of its source."""
        source = contents.objects.get(Manifests.source(kustomization))
        tree = self._renderer_for(kustomization).tree
        folders = artifacts.external_folders(source, tree) if rendering.error else ()
        if rendering.reason == "ArtifactFailed":
            path = clean(kustomization.text("spec.path"))
            return any(path == f or path.startswith(f + "/") or f.startswith(path + "/") for f in folders)
        return bool(folders) and any(words in rendering.error for words in _MISSING)

    def _has_variable_maps(self, kustomization: Resource, contents: ClusterContents) -> bool:
        """Tell whether the ConfigMaps with the variables of a Kustomization were already read."""
        refs = declared.variable_maps(kustomization)
        return all(ref in self._config_maps or ref in contents.objects for ref in refs)

    def _add_generated_artifacts(self, contents: ClusterContents) -> bool:
        """Add the artifacts that ArtifactGenerators make of this repository. Return whether there is a new one."""
        count = len(self._derived)
        for generator in [r for r in contents.objects.values() if r.kind == "ArtifactGenerator"]:
            for source in (*contents.trees, self._entry.source):
                for ref, files in artifacts.generated_by(generator, source, self._paths_below):
                    if ref not in self._derived and self._renderer_of:
                        self._derived[ref] = (self._renderer_of(self._renderer, files), files)
        return len(self._derived) > count

    def _paths_below(self, path: str) -> tuple[str, ...]:
        tree = self._renderer.tree
        return (path,) if tree.is_file(path) else tree.under(path)

    def _is_ours(self, kustomization: Resource, contents: ClusterContents) -> bool:
        """Tell whether the path of a Kustomization is in this repository."""
        source = Manifests.source(kustomization)
        path = kustomization.text("spec.path")
        if unknown(path) or unknown(source.name) or unknown(source.namespace) or not source.name:
            return False
        if source not in self._derived and source != self._entry.source:
            self._add_pushed_artifact(source, path, contents)
        if source in self._derived or self._is_repository(source, path, contents):
            contents.trees[source] = self._renderer_for(kustomization).tree
            return True
        return False

    def _add_pushed_artifact(self, source: Ref, path: str, contents: ClusterContents) -> None:
        """Add an OCI artifact that is made of a folder of this repository."""
        resource = contents.objects.get(source)
        if resource is not None and source.kind == "OCIRepository" and self._renderer_of:
            files = artifacts.pushed_files(resource.text("spec.url"), self._urls, path, self._renderer.tree)
            if files:
                self._derived[source] = (self._renderer_of(self._renderer, files), files)

    def _is_repository(self, source: Ref, path: str, contents: ClusterContents) -> bool:
        """Tell whether a source is this repository."""
        if source == self._entry.source:
            # If no object declares the source, a path that is the whole of it is as likely another repository.
            return bool(clean(path)) or not self._entry.is_implied or source in contents.objects
        resource = contents.objects.get(source)
        if resource is not None:
            url = resource.text("spec.url")
            has_same_ref = _branch(resource) == _branch(contents.objects.get(self._entry.source))
            is_same_url = bool(url) and artifacts.normalize_url(url) in self._urls
            return is_same_url and has_same_ref and not resource.has("spec.include")
        if source.kind == "ExternalArtifact":
            return False
        # No object declares the source. If it has the name of the entry's source, or its path exists here, it is this repository.
        is_namesake = (source.kind, source.name) == (self._entry.source.kind, self._entry.source.name)
        return is_namesake or (self._entry.is_implied and bool(clean(path)) and self._renderer.tree.is_directory(path))

    def _add(self, kustomization: Resource, rendering: Rendering, contents: ClusterContents) -> list[Resource]:
        """Add what a Kustomization declares. Return the Kustomizations among it."""
        is_suspended = kustomization.flag("spec.suspend")
        if needs_external := self._needs_external_folder(kustomization, rendering, contents):
            rendering = replace(rendering, error="", is_partial=True)
        self._add_unknowns(kustomization, rendering, contents)
        resources = list(self._declared_resources(kustomization, rendering, contents))
        status = _NOT_BUILT if needs_external else _status(rendering, resources)
        applied = contents.objects.get(kustomization.ref, kustomization)
        if not is_suspended:
            contents.objects[kustomization.ref] = _with_status(applied, status)
        self._add_paths(kustomization, rendering, contents)
        if kustomization.has("spec.kubeConfig"):
            return []  # its objects are on another cluster
        is_implied = self._entry.is_implied and kustomization is self._entry.kustomization
        for resource in resources:
            contents.files.add(resource.file)
            if (rendering.error or rendering.is_raw) and resource.ref.kind in ("ConfigMap", "Secret"):
                continue  # what a generator would make is unknown
            contents.owners.setdefault(resource.ref, []).append(kustomization.ref)
            if not is_suspended and not rendering.error and not is_implied:
                contents.variants.setdefault(resource.ref, {})[kustomization.ref] = resource
            earlier = contents.objects.get(resource.ref)
            if earlier is not None and earlier.has("status") and _has_same_spec(earlier, resource):
                contents.objects[resource.ref] = _with_status(resource, earlier.get("status"))
            else:
                contents.objects[resource.ref] = resource
        return [
            r
            for r in resources
            if r.ref.kind == "Kustomization" and (r.ref != kustomization.ref or not _has_same_spec(r, kustomization))
        ]

    def _add_paths(self, kustomization: Resource, rendering: Rendering, contents: ClusterContents) -> None:
        """Add the folder of a build and the files that it reads, by their paths in the source."""
        directory = clean(kustomization.text("spec.path"))
        tree = self._renderer_for(kustomization).tree
        file = manifests.kustomization_file(tree, directory) or directory
        contents.folders.add(self._source_path(kustomization, directory))
        contents.files.add(self._source_path(kustomization, file))
        contents.files |= {self._source_path(kustomization, file) for file in rendering.files}

    def _add_unknowns(self, kustomization: Resource, rendering: Rendering, contents: ClusterContents) -> None:
        """Add what is unknown of a build."""
        if rendering.is_partial or rendering.error:
            contents.partial.add(kustomization.ref)
        if rendering.is_raw and rendering.changed_names is None:
            contents.unbuilt.add(kustomization.ref)
        if rendering.stop_reason:
            contents.gaps.append(_stopped(kustomization.ref, GapReason.TIMEOUT, rendering.stop_reason))
        if rendering.error:
            contents.failed.add(kustomization.ref)
            contents.names_in_flawed_files |= self._renderer_for(kustomization).names_in_flawed_files(rendering)

    def _source_path(self, kustomization: Resource, path: str) -> str:
        derived = self._derived.get(Manifests.source(kustomization))
        return derived[1].get(path, path) if derived else path

    def _variables(self, kustomization: Resource, rendering: Rendering, contents: ClusterContents) -> Variables:
        """Return the variables of a Kustomization.

        A ConfigMap of the previous pass wins over the one of this pass: it is in its final state.
        """
        refs = declared.variable_maps(kustomization)
        config_maps = {ref: r for ref in refs if (r := self._config_maps.get(ref) or contents.objects.get(ref))}
        if len(config_maps) < len(refs):  # a Kustomization may declare its own
            for resource in self._resources(kustomization, _pairs(rendering), Variables()):
                if resource.ref in refs:
                    config_maps.setdefault(resource.ref, resource)
        self._inputs += [(ref, _data(config_maps.get(ref))) for ref in refs]
        variables = declared.variables(kustomization, config_maps)
        return replace(variables, is_open=True) if self._is_open else variables

    def _declared_resources(
        self, kustomization: Resource, rendering: Rendering, contents: ClusterContents
    ) -> Iterable[Resource]:
        if not rendering.is_raw:
            variables = self._variables(kustomization, rendering, contents)
            if variables.is_active and not rendering.error:
                contents.substitution_faults[kustomization.ref] = postbuild.find_faults(rendering.documents, variables)
            yield from self._resources(kustomization, _pairs(rendering), variables)
            return
        tree = self._renderer_for(kustomization).tree
        build = manifests.build(tree, kustomization.text("spec.path"), kustomization.strings("spec.components"))
        for resource in build.objects if build else ():
            ref = Manifests.live_ref(resource, kustomization)
            if ref.kind and ref.name:
                if self._is_raw(kustomization, contents) or _may_change(resource, rendering):
                    contents.raw.add(ref)
                yield replace(resource, ref=ref)

    def _is_raw(self, kustomization: Resource, contents: ClusterContents) -> bool:
        """Tell whether a Kustomization is only known as written. That of the entry point never is."""
        return kustomization.ref in contents.raw and kustomization.ref != self._entry.kustomization.ref

    def _resources(
        self, kustomization: Resource, documents: Iterable[tuple[BuiltDocument, Origin | None]], variables: Variables
    ) -> Iterable[Resource]:
        tree = self._renderer_for(kustomization).tree
        for document, origin in documents:
            for resource in declared.read(document, origin, variables, kustomization, tree):
                path = self._source_path(kustomization, resource.file)
                yield resource if path == resource.file else replace(resource, file=path)


def _may_change(resource: Resource, rendering: Rendering) -> bool:
    """Tell whether a build that did not run may change a manifest."""
    names = rendering.changed_names
    if names is None or unknown(orjson.dumps(resource.body).decode()):
        return True
    return (resource.text("kind"), "") in names or (resource.text("kind"), resource.name) in names


def _pairs(rendering: Rendering) -> Iterable[tuple[BuiltDocument, Origin | None]]:
    return zip(rendering.documents, rendering.origins, strict=True)


def _source_and_path(kustomization: Resource) -> tuple[Ref, str]:
    return Manifests.source(kustomization), clean(kustomization.text("spec.path"))


def _has_same_spec(one: Resource, other: Resource | None) -> bool:
    return other is not None and one.get("spec") == other.get("spec")


def _key(kustomization: Resource) -> tuple[Ref, str]:
    return kustomization.ref, repr(kustomization.get("spec"))


def _data(config_map: Resource | None) -> object:
    return config_map.get("data") if config_map else None


def _status(rendering: Rendering, resources: list[Resource]) -> dict[str, Any]:
    """Return the status that kustomize-controller would set after such a build, for the rules of a live cluster."""
    if rendering.error:
        ready = {"type": "Ready", "status": "False", "reason": rendering.reason, "message": rendering.error}
        return {"conditions": [ready]}
    entries = [{"id": f"{r.namespace}_{r.name.replace(':', '__')}_{r.group}_{r.text('kind')}"} for r in resources]
    ready = {"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": "built"}
    return {"conditions": [ready], "inventory": {"entries": entries}}


def _with_status(resource: Resource, status: Mapping[str, Any]) -> Resource:
    return replace(resource, body={**resource.body, "status": status})


def _branch(source: Resource | None) -> str:
    """Return the reference that a source follows, with the precedence of source-controller (1.9, GitRepositoryRef)."""
    ref = source.fields("spec.ref") if source else None
    if ref is None:
        return ""
    name = ref.text("name").removeprefix("refs/heads/")
    return ref.text("commit") or name or ref.text("semver") or ref.text("tag") or ref.text("branch")


def _stopped(kustomization: Ref, reason: GapReason, why: str) -> Gap:
    return Gap(StepScope(f"the build of {kustomization}"), reason, why)

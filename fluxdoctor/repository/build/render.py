"""Builds the directory of a Kustomization with real kustomize. If the build fails, it also builds the rest without the fault."""

from __future__ import annotations

import hashlib
import itertools
import posixpath
import re
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from fluxdoctor.intake import documents
from fluxdoctor.model import manifests
from fluxdoctor.model.manifests import FILE_NAMES
from fluxdoctor.model.resource import Resource
from fluxdoctor.model.tree import Tree, clean
from fluxdoctor.repository.build import build_inputs, generate, kustomize, origins, patches, repair
from fluxdoctor.repository.build.cache import BuildCache
from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.rendering import Rendering

_MAY_BE_REMOTE = re.compile(rb"://|github\.com|gitlab\.com|git@|\?ref=|helmChart|bitbucket\.org")
_NAMES = re.compile(r"^  name: *(?:&\S+ +)?[\"']?([\w.-]+)", re.M)
_MAX_REPAIRS = 6
_DUPLICATE = re.compile(r"may not add resource with an already registered id: (?P<id>\S+)")


@dataclass(frozen=True, slots=True)
class _Build:
    """What is built: a directory, with this kustomization file instead of its own."""

    directory: str
    components: tuple[str, ...]
    body: dict[str, Any]
    inputs: build_inputs.Closure


class Renderer:
    """Builds the directories of one artifact. Builds of the same content and fields run once."""

    def __init__(self, tree: Tree, files: Mapping[str, bytes], command: kustomize.Command, cache: BuildCache) -> None:
        """``files``: those of the artifact."""
        self.tree = tree
        self.files = files
        self._command = command
        self._cache = cache
        self._stages: dict[bool, kustomize.Stage] = {}
        self._repaired: set[str] = set()
        self._digests: dict[str, bytes] = {}
        self._number = itertools.count()
        self._lock = threading.Lock()
        self._renderings: dict[str, Future[Rendering]] = {}
        self.visited_folders: set[str] = set()
        """The folders that the builds read."""

    def close(self) -> None:
        """Remove the temporary files."""
        for stage in self._stages.values():
            stage.close()

    def start(self, kustomization: Resource, pool: Executor) -> Future[Rendering]:
        """Start to build a Kustomization as the controller would, in a pool. The future of a cached build is done at once.

        A build that fails is a result with an error. The future raises DeadlineError if the deadline of the run passes.
        """
        directory, components = clean(kustomization.text("spec.path")), kustomization.strings("spec.components")
        if not self.tree.is_directory(directory):
            path = f"/tmp/kustomization-0/{directory}"  # noqa: S108 - a name in a message, no file  # nosec B108
            why = "not a directory" if self.tree.is_file(directory) else f"stat {path}: no such file or directory"
            error = f"kustomization path not found: {why}"
            return _completed(Rendering(error=error, reason="ArtifactFailed", is_partial=True))
        try:
            body = generate.body(self.tree, kustomization)
        except generate.NotBuilt as refusal:
            return _completed(Rendering(error=str(refusal), is_partial=True, is_raw=True))
        inputs = build_inputs.closure(self.tree, directory, components)
        self.visited_folders |= inputs.directories
        if inputs.escaping_entry or any(build_inputs.leaves(directory, c) for c in components):
            root = "/tmp/kustomization-0"  # noqa: S108 - a name in a message, no file  # nosec B108
            why = f"security; file '{inputs.escaping_entry}' is not in or below '{root}'"
            return _completed(Rendering(error=f"kustomize build failed: {why}", is_partial=True))
        build = _Build(directory, components, body, inputs)
        return self._start(build, pool) if self._command else _completed(self._without_kustomize(build))

    def _start(self, build: _Build, pool: Executor) -> Future[Rendering]:
        paths = sorted(build.inputs.files)
        build = replace(build, body=patches.without_idle(self.tree, build.directory, build.body, paths, self.files))
        key = self._cache.key(build.directory, build.body, ((path, self._digest(path)) for path in paths))
        if key not in self._renderings:
            cached = self._cache.get(key)
            self._renderings[key] = (
                _completed(self._with_files(cached, build)) if cached else pool.submit(self._render, key, build)
            )
        return self._renderings[key]

    def _digest(self, path: str) -> bytes:
        """Return the digest of a file, computed once: many builds read the same file."""
        if path not in self._digests:
            self._digests[path] = hashlib.sha256(self.files.get(path, b"")).digest()
        return self._digests[path]

    def _without_kustomize(self, build: _Build) -> Rendering:
        """Return what the files show without a build: an entry whose file does not exist, and which objects are unsure."""
        # Objects that a build may change give notes only; judging them as written gave false errors in 10 of 30 public
        # repositories.
        inputs = build.inputs
        error = self._dangling_entry_error(build.directory, build.components)
        is_incomplete = bool(error) or inputs.has_remote or inputs.has_helm
        is_partial = is_incomplete or any(self.tree.parsed(f).flaw for f in inputs.files)
        changed = patches.changed_names(self.tree, build.directory, build.body, sorted(inputs.files))
        files = frozenset(inputs.files)
        return Rendering(error=error, is_raw=True, is_partial=is_partial, changed_names=changed, files=files)

    def _render(self, key: str, build: _Build) -> Rendering:
        rendering = self._build(build.directory, build.body, build.inputs)
        read = manifests.build(self.tree, build.directory, build.components)
        headers = [d.header for d in rendering.documents]
        rendering = replace(rendering, origins=tuple(origins.match(self.tree, headers, read)))
        if not rendering.stop_reason:  # the next run may have enough time
            self._cache.put(key, rendering)
        return self._with_files(rendering, build)

    def _with_files(self, rendering: Rendering, build: _Build) -> Rendering:
        """Add to a new or cached build what depends on the files."""
        files = frozenset(build.inputs.files)
        if not rendering.is_raw:
            return replace(rendering, files=files)
        changed = patches.changed_names(self.tree, build.directory, build.body, sorted(files))
        return replace(rendering, files=files, changed_names=changed)

    def names_in_flawed_files(self, rendering: Rendering) -> set[str]:
        """Return the names of objects in those files of a build that have a syntax error."""
        files = (
            f for f in rendering.files if f.endswith((".yaml", ".yml")) and posixpath.basename(f) not in FILE_NAMES
        )
        contents = (self.files.get(f, b"") for f in files if self.tree.parsed(f).flaw)
        return {name for content in contents for name in _NAMES.findall(content.decode("utf-8", "replace"))}

    def _stage(self, is_repaired: bool) -> kustomize.Stage:
        """Return the copy of the files for builds as they are, or the copy from which faults are removed."""
        with self._lock:
            if is_repaired not in self._stages:
                stage = kustomize.Stage(self.files, self._command)
                for path, content in self.files.items():
                    if posixpath.basename(path) in FILE_NAMES and _MAY_BE_REMOTE.search(content):
                        self._write_offline(stage, path)
                self._stages[is_repaired] = stage
            return self._stages[is_repaired]

    def _write_offline(self, stage: kustomize.Stage, path: str) -> None:
        documents = self.tree.parsed(path).documents
        if documents and isinstance(documents[0].body, dict):
            body, is_changed = build_inputs.offline(documents[0].body)
            if is_changed:
                stage.write(path, body)

    def _build(self, directory: str, body: dict[str, Any], inputs: build_inputs.Closure) -> Rendering:
        if bomb := next((f for f in sorted(inputs.files) if self._is_alias_bomb(f)), ""):
            why = f"{bomb}: its aliases expand beyond the limit"
            return Rendering(error=f"kustomize build failed: {why}", is_partial=True, is_raw=True)
        local = build_inputs.never_empty(build_inputs.offline(body)[0])
        if not inputs.has_schema and "openapi" not in body:
            # Kubernetes' whole OpenAPI document takes kustomize five times as long as all the rest.
            local["openapi"] = {"path": kustomize.MERGE_KEYS}
        is_partial = inputs.has_remote or inputs.has_helm
        output = self._build_with_retry(self._stage(is_repaired=False), directory, local, inputs)
        if output.stop_reason:
            # A build that we stopped is a gap: that it takes too long here says nothing about the controller.
            return Rendering(is_partial=True, is_raw=True, stop_reason=output.stop_reason)
        if not output.error:
            return Rendering(tuple(map(BuiltDocument, kustomize.split(output.text))), is_partial=is_partial)
        if is_partial and _is_missing_target(output.error):
            # The target of a patch may be in a removed remote base: this failure proves nothing.
            hidden = self._hidden_error(directory, inputs)
            return Rendering(self._build_rest(directory, body, inputs)[0], error=hidden, is_partial=True)
        rest, is_built = self._build_rest(directory, body, inputs)
        return Rendering(rest, error=output.error, is_partial=True, is_raw=not is_built)

    def _build_with_retry(
        self, stage: kustomize.Stage, directory: str, body: dict[str, Any], inputs: build_inputs.Closure
    ) -> kustomize.Output:
        """Build with the files of the closure. If that fails, build with all files: an error must be the controller's error."""
        stage.write_missing(self._neighbours(inputs))
        output = stage.build(directory, body, next(self._number))
        is_expected = (inputs.has_remote or inputs.has_helm) and _is_missing_target(output.error)
        if output.error and not is_expected and stage.write_missing(self.files):
            output = stage.build(directory, body, next(self._number))
        return output

    def _hidden_error(self, directory: str, inputs: build_inputs.Closure) -> str:
        """Return another error that fails a build, or "". It builds the dangling entries of each kustomization file alone."""
        # kustomize itself proves the failure; its message is never invented.
        stage = self._stage(is_repaired=False)
        stage.write_missing(self._neighbours(inputs))
        for file, entries in self._dangling_entries(directory, ()):
            output = stage.build(posixpath.dirname(file), entries, next(self._number))
            if output.error:
                return output.error
        return ""

    def _dangling_entry_error(self, directory: str, components: tuple[str, ...]) -> str:
        """Return why a build would certainly fail, as far as the files alone show it, or ""."""
        dangling = self._dangling_entries(directory, components)
        entries = ", ".join(f"{file} ({', '.join(entries)})" for file, entries in dangling)
        return (
            f"not built here, but the build would fail: files that do not exist are listed in {entries}"
            if entries
            else ""
        )

    def _dangling_entries(self, directory: str, components: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the kustomization files of a build that name something that does not exist, with those entries alone."""
        read = manifests.build(self.tree, directory, components)
        for file in read.kustomizations if read else ():
            folder = posixpath.dirname(file.file)
            is_mapping = isinstance(file.body, dict)
            entries = repair.only_dangling_entries(self.tree, folder, file.body) if is_mapping else {}
            if entries:
                yield file.file, entries

    def _neighbours(self, inputs: build_inputs.Closure) -> set[str]:
        """Return the files of a build and all files in their folders: kustomize refuses a folder with two kustomization files."""
        folders = inputs.directories | {posixpath.dirname(path) for path in inputs.files}
        return {path for folder in folders for path in self._by_folder.get(folder, ())}

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        paths: dict[str, list[str]] = {}
        for path in self.files:
            paths.setdefault(posixpath.dirname(path), []).append(path)
        return paths

    def _is_alias_bomb(self, path: str) -> bool:
        """Tell whether kustomize, which has no limit for aliases (5.8), would use all memory for a file."""
        flaw = self.tree.parsed(path).flaw if path.endswith((".yaml", ".yml")) else None
        return flaw is not None and flaw.is_alias_bomb

    def _build_rest(
        self, directory: str, body: dict[str, Any], inputs: build_inputs.Closure
    ) -> tuple[tuple[BuiltDocument, ...], bool]:
        """Remove the faults in a second copy and build that. Return its documents, and whether the build succeeds."""
        stage = self._stage(is_repaired=True)
        stage.write_missing(self._neighbours(inputs))
        with self._lock:
            for path in sorted(inputs.files - self._repaired):
                self._repaired.add(path)
                self._repair(stage, path)
        repaired = self._repaired_body(directory, body)
        for _ in range(_MAX_REPAIRS):
            output = self._build_with_retry(stage, directory, repaired, inputs)
            if not output.error and not output.stop_reason:
                return tuple(map(BuiltDocument, kustomize.split(output.text))), True
            duplicate = _DUPLICATE.search(output.error)
            if not duplicate or not self._remove_duplicate(stage, inputs, duplicate["id"]):
                break
        return (), False

    def _repair(self, stage: kustomize.Stage, path: str) -> None:
        parsed = self.tree.parsed(path)
        is_kustomization = posixpath.basename(path) in FILE_NAMES
        if is_kustomization and parsed.documents and isinstance(parsed.documents[0].body, dict):
            stage.write(path, self._repaired_body(posixpath.dirname(path), parsed.documents[0].body))
        elif parsed.flaw and path.endswith((".yaml", ".yml")):
            stage.write(path, _readable_documents(self.files.get(path, b"")))
        elif parsed.repeated:
            stage.write(path, [d.body for d in parsed.documents])

    def _repaired_body(self, directory: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a kustomization file without its faults. If a base is removed too, its patches may match nothing."""
        result = repair.without_dangling_entries(self.tree, directory, body)
        inputs = build_inputs.closure(self.tree, directory)
        return patches.lenient(self.tree, directory, result) if inputs.has_remote or inputs.has_helm else result

    def _remove_duplicate(self, stage: kustomize.Stage, inputs: build_inputs.Closure, identity: str) -> bool:
        """Remove the last of several documents of one identity (Kind.version.group/name.namespace); False if there is none."""
        kind, _, rest = identity.partition(".")
        name = rest.partition("/")[2].rpartition(".")[0]
        matches: list[tuple[str, Resource]] = []
        for path in sorted(inputs.files):
            if posixpath.basename(path) in FILE_NAMES or not path.endswith((".yaml", ".yml")):
                continue
            documents = self.tree.parsed(path).documents
            matches += [(path, d) for d in documents if d.text("kind") == kind and d.name == name]
        if len(matches) < 2:  # noqa: PLR2004 - a duplicate needs two
            return False
        path, duplicate = matches[-1]
        stage.write(path, [d.body for d in self.tree.parsed(path).documents if d is not duplicate])
        return True


def _completed(rendering: Rendering) -> Future[Rendering]:
    future: Future[Rendering] = Future()
    future.set_result(rendering)
    return future


def _readable_documents(content: bytes) -> list[Any]:
    """Return those documents of a file that can be parsed, each by itself."""
    parts = re.split(r"^---.*$", content.decode("utf-8", "replace"), flags=re.M)
    results = (documents.parse(part) for part in parts)
    return [d.body for parsed in results if not parsed.error for d in parsed.documents]


def _is_missing_target(error: str) -> bool:
    return "no matches for Id" in error or "no resource matches" in error or "failed to find unique target" in error

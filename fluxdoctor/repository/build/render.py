"""What a Kustomization's directory builds to, by real kustomize; where it fails, also what the rest would be."""

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

_MAYBE_REMOTE = re.compile(rb"://|github\.com|gitlab\.com|git@|\?ref=|helmChart|bitbucket\.org")
_NAMES = re.compile(r"^  name: *(?:&\S+ +)?[\"']?([\w.-]+)", re.M)
_MOST_MENDS = 6
_TWICE = re.compile(r"may not add resource with an already registered id: (?P<id>\S+)")


@dataclass(frozen=True, slots=True)
class _Build:
    """What is built: a directory, with this kustomization file in the place of its own."""

    directory: str
    components: tuple[str, ...]
    body: dict[str, Any]
    needs: build_inputs.Closure


class Renderer:
    """Builds the directories of one artifact; each of the same content and fields once."""

    def __init__(self, tree: Tree, files: Mapping[str, bytes], run: kustomize.Command, cache: BuildCache) -> None:
        """``files``: those of the artifact."""
        self.tree = tree
        self.files = files
        self._run = run
        self._cache = cache
        self._stages: dict[bool, kustomize.Stage] = {}
        self._mended: set[str] = set()
        self._digests: dict[str, bytes] = {}
        self._number = itertools.count()
        self._lock = threading.Lock()
        self._known: dict[str, Future[Rendering]] = {}
        self.visited: set[str] = set()
        """The folders that the builds read."""

    def close(self) -> None:
        """Remove the temporary files."""
        for stage in self._stages.values():
            stage.close()

    def begin(self, kustomization: Resource, pool: Executor) -> Future[Rendering]:
        """Build a Kustomization as the controller would, in a pool; what is known of an earlier build is there at once.

        Its failure is in the result. Asking for it raises DeadlineError when the time of the run is over.
        """
        directory, components = clean(kustomization.text("spec.path")), kustomization.strings("spec.components")
        if not self.tree.is_directory(directory):
            where = f"/tmp/kustomization-0/{directory}"  # noqa: S108 - a name in a message, no file
            why = "not a directory" if self.tree.is_file(directory) else f"stat {where}: no such file or directory"
            said = f"kustomization path not found: {why}"
            return _done(Rendering(error=said, reason="ArtifactFailed", partial=True))
        try:
            body = generate.body(self.tree, kustomization)
        except generate.NotBuilt as error:
            return _done(Rendering(error=str(error), partial=True, raw=True))
        needs = build_inputs.closure(self.tree, directory, components)
        self.visited |= needs.directories
        if needs.outside or any(build_inputs.leaves(directory, c) for c in components):
            where = "/tmp/kustomization-0"  # noqa: S108 - a name in a message, no file
            why = f"security; file '{needs.outside}' is not in or below '{where}'"
            return _done(Rendering(error=f"kustomize build failed: {why}", partial=True))
        if not self._run:
            return _done(self._unbuilt(directory, body, needs, components))
        return self._begun(_Build(directory, components, body, needs), pool)

    def _begun(self, build: _Build, pool: Executor) -> Future[Rendering]:
        read = sorted(build.needs.files)
        build = replace(build, body=patches.without_idle(self.tree, build.directory, build.body, read, self.files))
        key = self._cache.key(build.directory, build.body, ((path, self._digest(path)) for path in read))
        if key not in self._known:
            kept = self._cache.get(key)
            self._known[key] = _done(self._told(kept, build)) if kept else pool.submit(self._rendered, key, build)
        return self._known[key]

    def _digest(self, path: str) -> bytes:
        """Return the digest of a file, worked out once: many builds read the same."""
        if path not in self._digests:
            self._digests[path] = hashlib.sha256(self.files.get(path, b"")).digest()
        return self._digests[path]

    def _unbuilt(
        self, directory: str, body: dict[str, Any], needs: build_inputs.Closure, components: tuple[str, ...]
    ) -> Rendering:
        lost = self._lost_entries(directory, components)
        whole = not (lost or needs.remote or needs.helm or any(self.tree.parsed(f).flaw for f in needs.files))
        changed = patches.changed(self.tree, directory, body, sorted(needs.files))
        return Rendering(error=lost, raw=True, partial=not whole, changed=changed, files=frozenset(needs.files))

    def _rendered(self, key: str, build: _Build) -> Rendering:
        made = self._build(build.directory, build.body, build.needs)
        read = manifests.build(self.tree, build.directory, build.components)
        made = replace(made, origins=tuple(origins.match(self.tree, [d.header for d in made.documents], read)))
        if not made.stopped:  # another time it may come to its end
            self._cache.put(key, made)
        return self._told(made, build)

    def _told(self, rendering: Rendering, build: _Build) -> Rendering:
        """Add to a build, kept or new, what the files say of it."""
        files = frozenset(build.needs.files)
        if not rendering.raw:
            return replace(rendering, files=files)
        changed = patches.changed(self.tree, build.directory, build.body, sorted(files))
        return replace(rendering, files=files, changed=changed)

    def lost(self, rendering: Rendering) -> set[str]:
        """Return the names of objects in files of a build that cannot be read."""
        files = (
            f for f in rendering.files if f.endswith((".yaml", ".yml")) and posixpath.basename(f) not in FILE_NAMES
        )
        broken = (self.files.get(f, b"") for f in files if self.tree.parsed(f).flaw)
        return {name for content in broken for name in _NAMES.findall(content.decode("utf-8", "replace"))}

    def _stage(self, mended: bool) -> kustomize.Stage:
        with self._lock:
            if mended not in self._stages:
                stage = kustomize.Stage(self.files, self._run)
                for path, content in self.files.items():
                    if posixpath.basename(path) in FILE_NAMES and _MAYBE_REMOTE.search(content):
                        self._without_remote(stage, path)
                self._stages[mended] = stage
            return self._stages[mended]

    def _without_remote(self, stage: kustomize.Stage, path: str) -> None:
        documents = self.tree.parsed(path).documents
        if documents and isinstance(documents[0].body, dict):
            body, changed = build_inputs.offline(documents[0].body)
            if changed:
                stage.write(path, body)

    def _build(self, directory: str, body: dict[str, Any], needs: build_inputs.Closure) -> Rendering:
        if bomb := next((f for f in sorted(needs.files) if self._grows(f)), ""):
            why = f"{bomb}: it grows through aliases beyond what is read"
            return Rendering(error=f"kustomize build failed: {why}", partial=True, raw=True)
        local = build_inputs.never_empty(build_inputs.offline(body)[0])
        if not needs.schema and "openapi" not in body:
            # Reading the whole of Kubernetes' OpenAPI document takes kustomize five times as long as all the rest.
            local["openapi"] = {"path": kustomize.MERGE_KEYS}
        partial = needs.remote or needs.helm
        output = self._attempt(self._stage(False), directory, local, needs)
        if output.stopped:
            return Rendering(partial=True, raw=True, stopped=output.stopped)
        if not output.error:
            return Rendering(tuple(map(BuiltDocument, kustomize.split(output.text))), partial=partial)
        if partial and _of_missing(output.error):
            # What was left out may be what a patch is for: nothing can be said of this failure.
            hidden = self._hidden(directory, needs)
            return Rendering(self._rest(directory, body, needs)[0], error=hidden, partial=True)
        rest, whole = self._rest(directory, body, needs)
        return Rendering(rest, error=output.error, partial=True, raw=not whole)

    def _attempt(
        self, stage: kustomize.Stage, directory: str, body: dict[str, Any], needs: build_inputs.Closure
    ) -> kustomize.Output:
        """Build with the files that are known to be read; where that fails, with all: a failure must be the controller's."""
        stage.need(self._beside(needs))
        output = stage.build(directory, body, next(self._number))
        is_left_out = (needs.remote or needs.helm) and _of_missing(output.error)
        if output.error and not is_left_out and stage.need(self.files):
            output = stage.build(directory, body, next(self._number))
        return output

    def _hidden(self, directory: str, needs: build_inputs.Closure) -> str:
        """Return what else fails a build: of each kustomization file that it reads, what leads nowhere is built alone."""
        stage = self._stage(False)
        stage.need(self._beside(needs))
        for file, faulty in self._faulty(directory, ()):
            output = stage.build(posixpath.dirname(file), faulty, next(self._number))
            if output.error:
                return output.error
        return ""

    def _lost_entries(self, directory: str, components: tuple[str, ...]) -> str:
        """Return why a build would certainly fail, as far as the files tell without one."""
        lost = ", ".join(f"{file} ({', '.join(faulty)})" for file, faulty in self._faulty(directory, components))
        return f"not built here, but it would fail: what is listed is not there: {lost}" if lost else ""

    def _faulty(self, directory: str, components: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the kustomization files that a build reads and that name what leads nowhere, with that alone."""
        read = manifests.build(self.tree, directory, components)
        for file in read.kustomizations if read else ():
            at = posixpath.dirname(file.file)
            faulty = repair.nowhere(self.tree, at, file.body) if isinstance(file.body, dict) else {}
            if faulty:
                yield file.file, faulty

    def _beside(self, needs: build_inputs.Closure) -> set[str]:
        """Return the files that a build reads and those beside them: kustomize refuses a folder with two kustomization files."""
        folders = needs.directories | {posixpath.dirname(path) for path in needs.files}
        return {path for folder in folders for path in self._by_folder.get(folder, ())}

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.files:
            found.setdefault(posixpath.dirname(path), []).append(path)
        return found

    def _grows(self, path: str) -> bool:
        """Tell a file that kustomize, which knows no bounds (5.8), would take all memory for."""
        flaw = self.tree.parsed(path).flaw if path.endswith((".yaml", ".yml")) else None
        return flaw is not None and flaw.problem.endswith(documents.ALIASED)

    def _rest(
        self, directory: str, body: dict[str, Any], needs: build_inputs.Closure
    ) -> tuple[tuple[BuiltDocument, ...], bool]:
        """Take what is faulty out of a second copy, and build that."""
        stage = self._stage(True)
        stage.need(self._beside(needs))
        with self._lock:
            for path in sorted(needs.files - self._mended):
                self._mended.add(path)
                self._mend(stage, path)
        made = self._mended_file(directory, body)
        for _ in range(_MOST_MENDS):
            output = self._attempt(stage, directory, made, needs)
            if not output.error and not output.stopped:
                return tuple(map(BuiltDocument, kustomize.split(output.text))), True
            found = _TWICE.search(output.error)
            if not found or not self._once(stage, needs, found["id"]):
                break
        return (), False

    def _mend(self, stage: kustomize.Stage, path: str) -> None:
        parsed = self.tree.parsed(path)
        is_kustomization = posixpath.basename(path) in FILE_NAMES
        if is_kustomization and parsed.documents and isinstance(parsed.documents[0].body, dict):
            stage.write(path, self._mended_file(posixpath.dirname(path), parsed.documents[0].body))
        elif parsed.flaw and path.endswith((".yaml", ".yml")):
            stage.write(path, _readable(self.files.get(path, b"")))
        elif parsed.repeated:
            stage.write(path, [d.body for d in parsed.documents])

    def _mended_file(self, directory: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a kustomization file without what is faulty; where a base is left out, its patches may find nothing."""
        made = repair.mended(self.tree, directory, body)
        needs = build_inputs.closure(self.tree, directory)
        return patches.lenient(self.tree, directory, made) if needs.remote or needs.helm else made

    def _once(self, stage: kustomize.Stage, needs: build_inputs.Closure, identity: str) -> bool:
        """Leave the second of two documents of one identity out. The id: Kind.version.group/name.namespace."""
        kind, _, rest = identity.partition(".")
        name = rest.partition("/")[2].rpartition(".")[0]
        seen: list[tuple[str, Resource]] = []
        for path in sorted(needs.files):
            if posixpath.basename(path) in FILE_NAMES or not path.endswith((".yaml", ".yml")):
                continue
            seen += [(path, d) for d in self.tree.parsed(path).documents if d.text("kind") == kind and d.name == name]
        if len(seen) < 2:  # noqa: PLR2004 - two of one
            return False
        path, second = seen[-1]
        stage.write(path, [d.body for d in self.tree.parsed(path).documents if d is not second])
        return True


def _done(rendering: Rendering) -> Future[Rendering]:
    known: Future[Rendering] = Future()
    known.set_result(rendering)
    return known


def _readable(content: bytes) -> list[Any]:
    """Return the documents of a file that can be read, each for itself."""
    parts = re.split(r"^---.*$", content.decode("utf-8", "replace"), flags=re.M)
    parsed = (documents.parse(part) for part in parts)
    return [d.body for one in parsed if not one.error for d in one.documents]


def _of_missing(error: str) -> bool:
    return "no matches for Id" in error or "no resource matches" in error or "failed to find unique target" in error

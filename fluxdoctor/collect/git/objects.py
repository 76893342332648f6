"""Lists the files of a revision from git objects. Nothing is checked out, so that no symbolic link and no hook has an effect."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fluxdoctor.collect.git.blobs import UnreadableError
from fluxdoctor.collect.git.workspace import Workspace
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.net.process import Done, Limits
from fluxdoctor.model.manifests import FILE_NAMES

MOST_FILES, MOST_BYTES = 20_000, 64 * 1024 * 1024
_FILE_MODES = ("100644", "100755", "100664")
_GIT_FILES = (".sourceignore", ".gitmodules", ".gitattributes")
_CHART_FOLDERS = ("templates/", "files/", "crds/", "charts/")
_BINARY_SUFFIXES = (".tgz", ".gz", ".zip", ".png", ".jpg", ".jpeg", ".svg", ".ico", ".pdf")
_FORBIDDEN_NAMES = frozenset(("", ".", "..", ".git"))


class TreeTooLargeError(Exception):
    """A tree has more files or bytes than the limit; the text gives both figures."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A regular file of a tree. Symbolic links and submodules are left out, because no artifact contains them."""

    path: str
    blob: str


def entries(space: Workspace, repository: Path, commit: str, deadline: Deadline) -> tuple[TreeEntry, ...]:
    """List the files of a commit. Raises UnreadableError."""
    done = _git(space, repository, Limits(deadline), "ls-tree", "-r", "-z", "--full-tree", commit)
    return tuple(_parse_listing(done.out))


def _parse_listing(output: bytes) -> Iterator[TreeEntry]:
    for row in output.split(b"\0"):
        head, tab, raw = row.partition(b"\t")
        fields = head.decode("ascii", "replace").split(" ")
        path = raw.decode("utf-8", "backslashreplace")
        if tab and len(fields) == 3 and fields[0] in _FILE_MODES and not _FORBIDDEN_NAMES & set(path.split("/")):  # noqa: PLR2004
            yield TreeEntry(path, fields[2])


def rule_files(files: Sequence[TreeEntry]) -> tuple[TreeEntry, ...]:
    """Return the files whose content rules read: YAML, kustomization files and the JSON beside them, charts, git's own files."""
    kustomization_folders = {posixpath.dirname(e.path) for e in files if posixpath.basename(e.path) in FILE_NAMES}
    chart_folders = {posixpath.dirname(e.path) for e in files if posixpath.basename(e.path) == "Chart.yaml"}
    return tuple(
        e for e in files if _is_rule_file(e.path, kustomization_folders) or _is_chart_file(e.path, chart_folders)
    )


def _is_rule_file(path: str, kustomization_folders: set[str]) -> bool:
    name = posixpath.basename(path)
    if name.endswith((".yaml", ".yml")) or name in (*FILE_NAMES, *_GIT_FILES):
        return True
    return name.endswith(".json") and posixpath.dirname(path) in kustomization_folders


def _is_chart_file(path: str, chart_folders: set[str]) -> bool:
    """Tell whether a file of a chart can hold templates: only all of them show which values the chart reads."""
    if path.endswith(_BINARY_SUFFIXES):
        return False
    folder = posixpath.dirname(path)
    while folder not in chart_folders and folder:
        folder = posixpath.dirname(folder)
    relative_path = path.removeprefix(f"{folder}/" if folder else "")
    return folder in chart_folders and ("/" not in relative_path or relative_path.startswith(_CHART_FOLDERS))


def check(files: Sequence[TreeEntry], size_by_blob: Mapping[str, int]) -> None:
    """Raise TreeTooLargeError if the files exceed the limits. A tree is read completely or not at all."""
    if len(files) > MOST_FILES:
        raise TreeTooLargeError(f"it has {len(files)} files to read, above the limit of {MOST_FILES}")
    total = sum(size_by_blob.get(e.blob, 0) for e in files)
    if total > MOST_BYTES:
        largest = max(files, key=lambda e: size_by_blob.get(e.blob, 0))
        raise TreeTooLargeError(
            f"its YAML is {total} bytes, above the limit of {MOST_BYTES}; {largest.path} alone is {size_by_blob[largest.blob]}"
        )


def _git(space: Workspace, repository: Path, limits: Limits, *arguments: str) -> Done:
    try:
        done = space.run(limits, f"--git-dir={repository}", *arguments, online=False)
    except OSError as error:
        raise UnreadableError(error.strerror or "git cannot be started") from None
    if done.code:
        raise UnreadableError("its objects cannot be read")
    return done

"""The files of a revision, listed from git objects: nothing is ever checked out, so no link and no hook can act."""

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
_READ = (".sourceignore", ".gitmodules", ".gitattributes")
_TEMPLATED = ("templates/", "files/", "crds/", "charts/")
_PACKED = (".tgz", ".gz", ".zip", ".png", ".jpg", ".jpeg", ".svg", ".ico", ".pdf")
_NEVER = frozenset(("", ".", "..", ".git"))


class TreeTooLargeError(Exception):
    """More files or bytes than one tree may have; the text says how many."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A plain file of a tree. Symbolic links and submodules are none: both are in no artifact."""

    path: str
    blob: str


def entries(space: Workspace, repository: Path, commit: str, deadline: Deadline) -> tuple[TreeEntry, ...]:
    """List the files of a commit. Raises UnreadableError."""
    done = _git(space, repository, Limits(deadline), "ls-tree", "-r", "-z", "--full-tree", commit)
    return tuple(_entries(done.out))


def _entries(listed: bytes) -> Iterator[TreeEntry]:
    for row in listed.split(b"\0"):
        head, tab, raw = row.partition(b"\t")
        fields = head.decode("ascii", "replace").split(" ")
        path = raw.decode("utf-8", "backslashreplace")
        if tab and len(fields) == 3 and fields[0] in _FILE_MODES and not _NEVER & set(path.split("/")):  # noqa: PLR2004
            yield TreeEntry(path, fields[2])


def wanted(files: Sequence[TreeEntry]) -> tuple[TreeEntry, ...]:
    """Return the files whose content rules read: YAML, kustomization files and the JSON beside them, charts, git's own files."""
    kustomized = {posixpath.dirname(e.path) for e in files if posixpath.basename(e.path) in FILE_NAMES}
    charts = {posixpath.dirname(e.path) for e in files if posixpath.basename(e.path) == "Chart.yaml"}
    return tuple(e for e in files if _is_wanted(e.path, kustomized) or _is_of_chart(e.path, charts))


def _is_wanted(path: str, kustomized: set[str]) -> bool:
    name = posixpath.basename(path)
    if name.endswith((".yaml", ".yml")) or name in (*FILE_NAMES, *_READ):
        return True
    return name.endswith(".json") and posixpath.dirname(path) in kustomized


def _is_of_chart(path: str, charts: set[str]) -> bool:
    """Tell a file of a chart that can hold templates: which values a chart reads is known only from all of them."""
    if path.endswith(_PACKED):
        return False
    below = posixpath.dirname(path)
    while below not in charts and below:
        below = posixpath.dirname(below)
    inside = path.removeprefix(f"{below}/" if below else "")
    return below in charts and ("/" not in inside or inside.startswith(_TEMPLATED))


def check(files: Sequence[TreeEntry], known: Mapping[str, int]) -> None:
    """Raise TooLargeError where the files are more than one tree may have. A tree is read whole or not at all."""
    if len(files) > MOST_FILES:
        raise TreeTooLargeError(f"it has {len(files)} files to read, and {MOST_FILES} are the most")
    total = sum(known.get(e.blob, 0) for e in files)
    if total > MOST_BYTES:
        largest = max(files, key=lambda e: known.get(e.blob, 0))
        raise TreeTooLargeError(
            f"its YAML is {total} bytes, and {MOST_BYTES} are the most; {largest.path} alone is {known[largest.blob]}"
        )


def _git(space: Workspace, repository: Path, limits: Limits, *arguments: str) -> Done:
    try:
        done = space.run(limits, f"--git-dir={repository}", *arguments, online=False)
    except OSError as error:
        raise UnreadableError(error.strerror or "git could not be started") from None
    if done.code:
        raise UnreadableError("its objects cannot be read")
    return done

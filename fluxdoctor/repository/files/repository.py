"""Reads the files of a repository, from its working tree or from one revision. It never changes git."""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fluxdoctor.collect.store.within import is_within
from fluxdoctor.model.gaps import FileScope, Gap, GapReason

#: Larger files are not manifests, and are read as empty. kustomize-controller accepts artifacts of up to 50 MiB.
MAX_FILE = 8 << 20
#: Far more than a repository of manifests has. It stops a run on a home folder or on the root of a disk early.
_MAX_FILES = 200_000
_MAX_BYTES = 1 << 30
_GIT_SECONDS = 120
# A repository's own configuration must not start a program (core.fsmonitor) or ask a question.
_SAFE_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false")


class RepositoryError(Exception):
    """A path or revision that cannot be read. The text names it, says why, and says what to do."""


@dataclass(frozen=True)
class Repository:
    """The regular files of one state of a repository, by path from its root.

    Symbolic links are left out, as source-controller leaves them out of an artifact (fluxcd/pkg artifact storage 1.9).
    """

    name: str
    files: Mapping[str, bytes] = field(repr=False)
    focus: str = ""
    """The folder that the user named; "" is the whole repository."""
    urls: tuple[str, ...] = ()
    """The addresses of the remotes."""
    gaps: tuple[Gap, ...] = ()
    """Files that exist and were not read, each with a FileScope."""


def of_folder(path: Path, within: Sequence[Path] = ()) -> Repository:
    """Read a working tree: the files that git tracks or would track. Read all files of a folder without git.

    ``within``: the only folders that may be read. Without it, a folder can belong to a repository whose root is above it, and
    a repository's own configuration can name any folder as its working tree. Raises RepositoryError if the path is not a folder,
    if the root of its repository is outside of ``within``, or if there are too many files for a repository.
    """
    if not path.is_dir():
        raise RepositoryError(f"{path}: no such folder; use the root of a repository, or a folder in it")
    top = _git(path, "rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").strip()
    if not top:
        files, gaps = _read_files(path, _walk(path))
        return Repository(path.resolve().name, files, gaps=gaps)
    root = Path(top)
    if within and not is_within(root, within):
        raise RepositoryError(f"{path} is part of the repository {root}, which is outside of the allowed folders")
    listing = _git(path, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name", str(root))
    focus = path.resolve().relative_to(root.resolve()).as_posix()
    files, gaps = _read_files(root, _split(listing))
    return Repository(root.name, files, "" if focus == "." else focus, _remote_urls(root), gaps)


def of_revision(path: Path, revision: str) -> Repository:
    """Read one revision of the repository at a path; the repository may be bare. Raises RepositoryError if git lacks it."""
    if revision.startswith("-"):
        raise RepositoryError(f"{revision!r} is not a revision")
    commit = (
        _git(path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    )
    if not commit:
        raise RepositoryError(
            f"{path}: git knows no revision {revision!r}; run git branch -a to list the local branches, or "
            "git fetch --unshallow to complete a shallow clone"
        )
    top = _git(path, "rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").strip()
    root = Path(top) if top else path
    files, gaps = _read_commit(root, commit)
    focus = path.resolve().relative_to(root.resolve()).as_posix() if top else "."
    return Repository(root.name, files, "" if focus == "." else focus, _remote_urls(root), gaps)


def _too_large(path: str, size: int) -> Gap:
    return Gap(
        FileScope(path), GapReason.TOO_LARGE, f"{size / (1 << 20):.1f} MiB, above the limit of {MAX_FILE >> 20} MiB"
    )


def _read_commit(root: Path, commit: str) -> tuple[dict[str, bytes], tuple[Gap, ...]]:
    """Read the files of a commit: all of them, also those that .gitattributes excludes from archives. Flux ignores it."""
    object_ids: dict[str, str] = {}
    for row in _git(root, "ls-tree", "-r", "-z", commit).split(b"\0"):
        head, _, name = row.partition(b"\t")
        if head.startswith((b"100644", b"100755")):  # no symbolic link, no submodule
            object_ids[name.decode("utf-8", "surrogateescape")] = head.split()[2].decode()
    if not object_ids:
        raise RepositoryError(f"{root}: git lists no file of {commit[:10]}; run: git fetch --refetch")
    listing = _git(root, "rev-list", "--objects", "--missing=print", "--no-walk", commit).decode("utf-8", "replace")
    missing = {line[1:] for line in listing.splitlines() if line.startswith("?")}
    sizes = _sizes(root, sorted(set(object_ids.values()) - missing))
    for path, object_id in object_ids.items():
        if object_id not in sizes and path.endswith((".yaml", ".yml")):
            raise RepositoryError(f"{root}: git has no content of {path} in {commit[:10]}; run: git fetch --refetch")
    contents = _contents(root, [i for i, size in sizes.items() if size <= MAX_FILE])
    gaps = tuple(_too_large(path, sizes[i]) for path, i in object_ids.items() if sizes.get(i, 0) > MAX_FILE)
    # A file without content is too large for a manifest, or missing from a partial clone. It still exists.
    return {path: contents.get(object_id, b"") for path, object_id in object_ids.items()}, gaps


def _sizes(root: Path, object_ids: Sequence[str]) -> dict[str, int]:
    output = _git(root, "cat-file", "--batch-check", "--buffer", stdin=_as_lines(object_ids))
    rows = (line.split() for line in output.splitlines())
    return {row[0].decode(): int(row[2]) for row in rows if len(row) == 3 and row[2].isdigit()}  # noqa: PLR2004 - name, type, size


def _as_lines(object_ids: Sequence[str]) -> bytes:
    return "".join(f"{i}\n" for i in object_ids).encode()


def _contents(root: Path, object_ids: Sequence[str]) -> dict[str, bytes]:
    """Read objects in one git process. Its output has, for each, a line with name, type and size, then the bytes."""
    output = _git(root, "cat-file", "--batch", "--buffer", stdin=_as_lines(object_ids))
    contents = {}
    position = 0
    for object_id in object_ids:
        end = output.find(b"\n", position)
        size = int(output[position:end].rpartition(b" ")[2])
        contents[object_id] = output[end + 1 : end + 1 + size]
        position = end + size + 2
    return contents


def _remote_urls(root: Path) -> tuple[str, ...]:
    output = _git(root, "config", "--get-regexp", r"^remote\..*\.url$").decode("utf-8", "replace")
    return tuple(sorted({line.partition(" ")[2].strip() for line in output.splitlines()}))


def _git(path: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Return the output of git, or nothing if it fails: a folder without a repository is not an error."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        process = subprocess.run(  # noqa: S603 - a list of arguments, no shell
            ["git", *_SAFE_OPTIONS, "-C", str(path), *arguments],  # noqa: S607 - git is the one on PATH
            capture_output=True, timeout=_GIT_SECONDS, env=environment, check=False, input=stdin,
        )  # fmt: skip
    except FileNotFoundError:
        return b""
    except subprocess.TimeoutExpired:
        raise RepositoryError(f"{path}: git {arguments[0]} took longer than {_GIT_SECONDS} s") from None
    return process.stdout if process.returncode == 0 else b""


def _split(listing: bytes) -> Iterable[str]:
    return sorted({p.decode("utf-8", "surrogateescape") for p in listing.split(b"\0") if p})


def _walk(root: Path) -> Iterable[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f != ".git")
        for name in sorted(names):
            yield posixpath.normpath(Path(folder, name).relative_to(root).as_posix())


def _read_files(root: Path, paths: Iterable[str]) -> tuple[dict[str, bytes], tuple[Gap, ...]]:
    files: dict[str, bytes] = {}
    gaps: list[Gap] = []
    total = 0
    link_free = {root: True}
    for count, path in enumerate(paths):
        file = root / path
        if count >= _MAX_FILES or total > _MAX_BYTES:
            raise RepositoryError(
                f"{root}: more than {_MAX_FILES:,} files or {_MAX_BYTES >> 20} MiB; use the folder of one repository"
            )
        try:
            if _is_link_free(file.parent, link_free) and not file.is_symlink() and file.is_file():
                size = file.stat().st_size
                gaps += [_too_large(path, size)] if size > MAX_FILE else []
                files[path] = file.read_bytes() if size <= MAX_FILE else b""
                total += len(files[path])
        except FileNotFoundError:
            continue  # deleted since it was listed
        except OSError as error:
            files[path] = b""
            gaps.append(Gap(FileScope(path), GapReason.UNAVAILABLE, f"cannot be read: {error.strerror or error}"))
    return files, tuple(gaps)


def _is_link_free(folder: Path, verdicts: dict[Path, bool]) -> bool:
    """Tell whether no folder on the path is a symbolic link: git's index may list files below a folder that became one."""
    if folder not in verdicts:
        verdicts[folder] = (
            folder.parent != folder and not folder.is_symlink() and _is_link_free(folder.parent, verdicts)
        )
    return verdicts[folder]

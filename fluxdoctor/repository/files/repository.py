"""The files of a repository: of a working tree, or of one of its revisions. Git is read, never changed."""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fluxdoctor.collect.store.within import is_within

#: Larger files are nothing that a manifest is made of, and are not read; kustomize-controller takes artifacts of up to 50 MiB.
MAX_FILE = 8 << 20
#: Far more than a repository of manifests has: whoever names a home folder, or the root of a disk, is told so in time.
_MOST_FILES = 200_000
_MOST_BYTES = 1 << 30
_GIT_SECONDS = 120
# A repository's own configuration must not be able to start a program (core.fsmonitor) or to ask anything.
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false")


class RepositoryError(Exception):
    """A path or revision that cannot be read; the text says which, why and what to do."""


@dataclass(frozen=True)
class Repository:
    """The regular files of one state of a repository, by path from its root.

    Symbolic links are left out, as source-controller leaves them out of an artifact (fluxcd/pkg artifact storage 1.9).
    """

    name: str
    files: Mapping[str, bytes] = field(repr=False)
    focus: str = ""
    """The folder that was asked for, "" for the whole."""
    urls: tuple[str, ...] = ()
    """The addresses of the remotes."""


def of_folder(path: Path, within: Sequence[Path] = ()) -> Repository:
    """Read a working tree: what git tracks, and what it would track. A folder without git is read whole.

    ``within``: folders that a reader may not leave: a folder can belong to a repository that begins above it, and a repository's
    own configuration can name any folder for its files. Raises RepositoryError when the path is no folder, when its
    repository begins outside of those, and when there is more in it than any repository has.
    """
    if not path.is_dir():
        raise RepositoryError(f"{path}: no such folder; give the root of a repository, or a folder in one")
    top = _git(path, "rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").strip()
    if not top:
        return Repository(path.resolve().name, _read(path, _walk(path)))
    root = Path(top)
    if within and not is_within(root, within):
        raise RepositoryError(f"{path} is part of the repository {root}, which is outside of the allowed folders")
    listed = _git(path, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name", str(root))
    focus = path.resolve().relative_to(root.resolve()).as_posix()
    return Repository(root.name, _read(root, _split(listed)), "" if focus == "." else focus, _urls(root))


def of_revision(path: Path, revision: str) -> Repository:
    """Read one revision of the repository at a path, a bare one too. Raises RepositoryError for an unknown revision."""
    if revision.startswith("-"):
        raise RepositoryError(f"{revision!r} is no revision")
    known = (
        _git(path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    )
    if not known:
        raise RepositoryError(
            f"{path}: git knows no revision {revision!r}; git branch -a lists the branches that are here, and of a "
            "shallow clone git fetch --unshallow gets the rest"
        )
    top = _git(path, "rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").strip()
    root = Path(top) if top else path
    files = _held(root, known)
    focus = path.resolve().relative_to(root.resolve()).as_posix() if top else "."
    return Repository(root.name, files, "" if focus == "." else focus, _urls(root))


def _held(root: Path, commit: str) -> dict[str, bytes]:
    """Read the files of a commit: all of them, whatever .gitattributes says of archives, for Flux does not ask it."""
    names: dict[str, str] = {}
    for row in _git(root, "ls-tree", "-r", "-z", commit).split(b"\0"):
        head, _, name = row.partition(b"\t")
        if head.startswith((b"100644", b"100755")):  # no symbolic link, no submodule
            names[name.decode("utf-8", "surrogateescape")] = head.split()[2].decode()
    if not names:
        raise RepositoryError(f"{root}: git lists no file of {commit[:10]}; fetch it whole (git fetch --refetch)")
    told = _git(root, "rev-list", "--objects", "--missing=print", "--no-walk", commit).decode("utf-8", "replace")
    gone = {line[1:] for line in told.splitlines() if line.startswith("?")}
    sizes = _sizes(root, sorted(set(names.values()) - gone))
    for path, identity in names.items():
        if identity not in sizes and path.endswith((".yaml", ".yml")):
            raise RepositoryError(
                f"{root}: git has no content of {path} in {commit[:10]}; fetch it (git fetch --refetch)"
            )
    found = _contents(root, [i for i, size in sizes.items() if size <= MAX_FILE])
    # Too large to be a manifest, or left out of a partial clone: it is there.
    return {path: found.get(identity, b"") for path, identity in names.items()}


def _sizes(root: Path, identities: Sequence[str]) -> dict[str, int]:
    said = _git(root, "cat-file", "--batch-check", "--buffer", given=_asked(identities)).splitlines()
    rows = (line.split() for line in said)
    return {row[0].decode(): int(row[2]) for row in rows if len(row) == 3 and row[2].isdigit()}  # noqa: PLR2004 - name, type, size


def _asked(identities: Sequence[str]) -> bytes:
    return "".join(f"{i}\n" for i in identities).encode()


def _contents(root: Path, identities: Sequence[str]) -> dict[str, bytes]:
    """Read objects by one git: for each a line with its name, its type and its size, then its bytes."""
    said = _git(root, "cat-file", "--batch", "--buffer", given=_asked(identities))
    found = {}
    at = 0
    for identity in identities:
        end = said.find(b"\n", at)
        size = int(said[at:end].rpartition(b" ")[2])
        found[identity] = said[end + 1 : end + 1 + size]
        at = end + size + 2
    return found


def _urls(root: Path) -> tuple[str, ...]:
    found = _git(root, "config", "--get-regexp", r"^remote\..*\.url$").decode("utf-8", "replace")
    return tuple(sorted({line.partition(" ")[2].strip() for line in found.splitlines()}))


def _git(path: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Run git and return what it says; nothing where it fails: not being a repository is no error."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
            ["git", *_QUIET, "-C", str(path), *arguments],  # noqa: S607 - git is the one on PATH
            capture_output=True, timeout=_GIT_SECONDS, env=environment, check=False, input=given,
        )  # fmt: skip
    except FileNotFoundError:
        return b""
    except subprocess.TimeoutExpired:
        raise RepositoryError(f"{path}: git {arguments[0]} took longer than {_GIT_SECONDS} s") from None
    return done.stdout if done.returncode == 0 else b""


def _split(listed: bytes) -> Iterable[str]:
    return sorted({p.decode("utf-8", "surrogateescape") for p in listed.split(b"\0") if p})


def _walk(root: Path) -> Iterable[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f != ".git")
        for name in sorted(names):
            yield posixpath.normpath(Path(folder, name).relative_to(root).as_posix())


def _read(root: Path, paths: Iterable[str]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    straight = {root: True}
    for count, path in enumerate(paths):
        at = root / path
        if count >= _MOST_FILES or total > _MOST_BYTES:
            raise RepositoryError(
                f"{root}: more than {_MOST_FILES:,} files or {_MOST_BYTES >> 20} MiB; give the folder of one repository"
            )
        try:
            if _is_straight(at.parent, straight) and not at.is_symlink() and at.is_file():
                files[path] = at.read_bytes() if at.stat().st_size <= MAX_FILE else b""
                total += len(files[path])
        except OSError:
            continue  # deleted since it was listed, or not readable: not in what would be committed from here
    return files


def _is_straight(folder: Path, known: dict[Path, bool]) -> bool:
    """Tell whether no folder on the way is a symbolic link: git's index may hold files below what has become one."""
    if folder not in known:
        known[folder] = folder.parent != folder and not folder.is_symlink() and _is_straight(folder.parent, known)
    return known[folder]

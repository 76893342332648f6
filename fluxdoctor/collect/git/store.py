"""Stores fetched objects: bare repositories that never change once they are in place.

``<cache>/git-2/<remote>/<commit>`` is one revision, created in a temporary folder and put in place by one rename. So two
concurrent runs need no lock, and any folder can be deleted at any time. It contains no configuration, URL or login:
``<remote>`` is a digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.remote import Remote

#: Change the number if the format, or the set of blobs that are fetched, changes.
FOLDER = "git-2"
MOST = 1024 * 1024 * 1024
_STALE = 24 * 3600.0


class Store:
    """The cache, or a scratch folder if there is no cache."""

    def __init__(self, cache: Path | None, scratch: Path) -> None:
        """``scratch`` is removed at the end of the run. A cache that is not writable is not used."""
        self._scratch = scratch
        self._root = _writable_folder(cache / FOLDER) if cache else None

    def find(self, remote: Remote, login: GitLogin, commit: str) -> Path | None:
        """Return the repository of a revision, or None."""
        revision_path = self._revision_path(remote, login, commit)
        if revision_path is None or not (revision_path / "objects").is_dir():
            return None
        with contextlib.suppress(OSError):
            os.utime(revision_path)
        return revision_path

    def new(self) -> Path | None:
        """Return a new folder of the cache to fetch into, or None without a cache. Raises OSError."""
        if self._root is None:
            return None
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="tmp-", dir=self._root))

    def scratch(self) -> Path:
        """Return a new folder outside of the cache."""
        return Path(tempfile.mkdtemp(prefix="tmp-", dir=self._scratch))

    def install(self, repository: Path, remote: Remote, login: GitLogin, commit: str) -> Path:
        """Move a finished repository of the cache to its place, unless another run was first; return where to read it.

        A repository outside of the cache stays where it is.
        """
        revision_path = self._revision_path(remote, login, commit)
        if revision_path is None or repository.parent != self._root:
            return repository
        # git's configuration and hooks are not needed to read objects; FETCH_HEAD would store the remote's URL.
        for name in ("FETCH_HEAD", "description", "hooks", "info", "branches"):
            _remove(repository / name)
        try:
            revision_path.parent.mkdir(mode=0o700, exist_ok=True)
            repository.rename(revision_path)
        except OSError:
            return repository
        return revision_path

    def drop(self, repository: Path) -> None:
        """Remove a repository that is unreadable or unfinished."""
        _remove(repository)

    def prune(self, most: int = MOST) -> None:
        """Remove the remains of crashed runs, then the least recently used revisions until all fit into ``most`` bytes."""
        if self._root is None:
            return
        revisions = []
        now = time.time()
        for folder in _folders(self._root):
            if folder.name.startswith("tmp-"):
                if now - _last_use(folder) > _STALE:
                    _remove(folder)
                continue
            revisions += [(_last_use(path), size(path), path) for path in _folders(folder)]
        total = sum(revision[1] for revision in revisions)
        for _, freed, path in sorted(revisions):
            if total <= most:
                break
            _remove(path)
            total -= freed
            with contextlib.suppress(OSError):
                path.parent.rmdir()

    def _revision_path(self, remote: Remote, login: GitLogin, commit: str) -> Path | None:
        return self._root / _digest(remote, login) / commit if self._root else None


def _writable_folder(root: Path) -> Path | None:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            return root
    except OSError:
        return None


def _digest(remote: Remote, login: GitLogin) -> str:
    """Return a folder name for a URL and a login. scrypt is slow, so that nobody can guess a short password from the name."""
    if login.is_anonymous:
        return hashlib.sha256(remote.url.encode()).hexdigest()[:32]
    return hashlib.scrypt(login.fingerprint.encode(), salt=remote.url.encode(), n=2**12, r=8, p=1, dklen=16).hex()


def size(folder: Path) -> int:
    """Return the size in bytes of the files below a folder, as far as it is readable."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(parent) / name).lstat().st_size
    return total


def _folders(root: Path) -> list[Path]:
    try:
        return [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def _last_use(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()

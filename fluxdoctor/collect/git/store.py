"""Where fetched objects are kept: bare repositories that never change once they are in place.

``<cache>/git-2/<remote>/<commit>`` is one revision, made aside and put in place by one rename. So two runs at once need
no lock, anything may be deleted at any moment, and no configuration, URL or login is ever in it: ``<remote>`` is a digest.
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

#: Another format, or other blobs that are wanted, is another folder.
FOLDER = "git-2"
MOST = 1024 * 1024 * 1024
_STALE = 24 * 3600.0


class Store:
    """The cache, or a scratch folder where there is none."""

    def __init__(self, cache: Path | None, scratch: Path) -> None:
        """``scratch`` is removed with the run. A cache that cannot be written is none."""
        self._scratch = scratch
        self._root = _usable(cache / FOLDER) if cache else None

    def find(self, remote: Remote, login: GitLogin, commit: str) -> Path | None:
        """Return the repository of a revision, or None."""
        place = self._place(remote, login, commit)
        if place is None or not (place / "objects").is_dir():
            return None
        with contextlib.suppress(OSError):
            os.utime(place)
        return place

    def new(self) -> Path | None:
        """Return a new folder of the cache to fetch into, None where there is no cache. Raises OSError."""
        if self._root is None:
            return None
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="tmp-", dir=self._root))

    def scratch(self) -> Path:
        """Return a new folder outside of the cache."""
        return Path(tempfile.mkdtemp(prefix="tmp-", dir=self._scratch))

    def keep(self, made: Path, remote: Remote, login: GitLogin, commit: str) -> Path:
        """Put a finished repository in place; return where it can be read. Another run may have been first.

        One that was made outside of the cache stays there.
        """
        place = self._place(remote, login, commit)
        if place is None or made.parent != self._root:
            return made
        # git's own configuration and hooks: reading needs neither, and nothing about the remote stays behind.
        for name in ("FETCH_HEAD", "description", "hooks", "info", "branches"):
            _remove(made / name)
        try:
            place.parent.mkdir(mode=0o700, exist_ok=True)
            made.rename(place)
        except OSError:
            return made
        return place

    def drop(self, place: Path) -> None:
        """Remove a repository that cannot be read, or that was not finished."""
        _remove(place)

    def prune(self, most: int = MOST) -> None:
        """Remove what a crashed run left, then the longest unused revisions until all fit into ``most`` bytes."""
        if self._root is None:
            return
        found = []
        now = time.time()
        for folder in _folders(self._root):
            if folder.name.startswith("tmp-"):
                if now - _used(folder) > _STALE:
                    _remove(folder)
                continue
            found += [(_used(place), size(place), place) for place in _folders(folder)]
        total = sum(row[1] for row in found)
        for _, taken, place in sorted(found):
            if total <= most:
                break
            _remove(place)
            total -= taken
            with contextlib.suppress(OSError):
                place.parent.rmdir()

    def _place(self, remote: Remote, login: GitLogin, commit: str) -> Path | None:
        return self._root / _digest(remote, login) / commit if self._root else None


def _usable(root: Path) -> Path | None:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            return root
    except OSError:
        return None


def _digest(remote: Remote, login: GitLogin) -> str:
    """One name for a URL and a login. Made slow, so that a short password cannot be guessed from the name of a folder."""
    if login.anonymous:
        return hashlib.sha256(remote.url.encode()).hexdigest()[:32]
    return hashlib.scrypt(login.fingerprint.encode(), salt=remote.url.encode(), n=2**12, r=8, p=1, dklen=16).hex()


def size(folder: Path) -> int:
    """Return the bytes of the files below a folder, as far as it can be read."""
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


def _used(path: Path) -> float:
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

"""Temporary folders that never outlive their run: at the latest, the next run removes them.

Each folder has a locked file. The lock ends with the process that has it, however that process ends, so a folder whose lock
is free has no owner. This holds between containers that share a temporary folder too, unlike a process id.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

_PREFIX, _LOCK = "fluxdoctor-", ".owner"
_lock = threading.Lock()
_folders: dict[Path, int] = {}
_swept: set[Path] = set()


def make(base: str | None = None) -> Path:
    """Create a folder for its owner alone, below ``base`` or the system's temporary folder. Raises OSError."""
    parent = Path(base or tempfile.gettempdir())
    _remove_leftovers(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _is_locked(descriptor)
    with _lock:
        _folders[folder] = descriptor
    return folder


def remove(folder: Path) -> None:
    """Remove a folder of ``make``. Never raises."""
    with _lock:
        descriptor = _folders.pop(folder, None)
    shutil.rmtree(folder, ignore_errors=True)
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def remove_all() -> None:
    """Remove all folders of this process: before it ends without running the blocks that would."""
    for folder in list(_folders):
        remove(folder)


@contextlib.contextmanager
def folder(base: str | None = None) -> Iterator[Path]:
    """Create a folder, and remove it at the end of the block. Raises OSError."""
    path = make(base)
    try:
        yield path
    finally:
        remove(path)


def _is_locked(descriptor: int) -> bool:
    """Lock a file, and tell whether that worked: not if another process has the lock."""
    try:
        import fcntl
    except ImportError:  # Windows: nothing is removed there that another process may use
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_leftovers(parent: Path) -> None:
    """Remove the folders in a temporary folder whose process has ended; once for each temporary folder."""
    with _lock:
        if parent in _swept:
            return
        _swept.add(parent)
    with contextlib.suppress(OSError):
        for path in parent.glob(f"{_PREFIX}*/{_LOCK}"):
            _remove_if_free(path)


def _remove_if_free(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_symlink() or path.parent.is_symlink() or path.parent.stat().st_uid != os.getuid():
            return
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if _is_locked(descriptor):
                shutil.rmtree(path.parent, ignore_errors=True)
        finally:
            os.close(descriptor)

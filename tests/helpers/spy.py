"""Watches what anybody on the machine can see of our children: their arguments and environment, read from /proc."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Container
from pathlib import Path
from typing import Self


class Spy:
    """Reads /proc of every process that is started while the block runs; ``folder`` is watched for the modes of files too.

    What the servers of the tests start, which were there before, is not looked at: it is not of what is tested.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.seen: dict[str, tuple[bytes, bytes]] = {}
        """Arguments and environment by ``pid command``."""
        self.modes: dict[str, int] = {}
        self._folder, self._stop = folder, threading.Event()
        self._servers = frozenset(descendants(os.getpid()))
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def everything(self) -> bytes:
        return b"\n".join(part for pair in self.seen.values() for part in pair)

    @property
    def programs(self) -> set[str]:
        """The names of the programs that were seen."""
        return {Path(os.fsdecode(arguments.split(b"\0")[0])).name for arguments, _ in self.seen.values() if arguments}

    def _watch(self) -> None:
        while not self._stop.is_set():
            for pid in descendants(os.getpid(), self._servers):
                self._read(pid)
            if self._folder:
                self._look(self._folder)
            time.sleep(0.002)

    def _look(self, folder: Path) -> None:
        for parent, folders, files in os.walk(folder):  # unlike rglob it minds nothing that goes away meanwhile
            for name in (*folders, *files):
                path = Path(parent) / name
                with contextlib.suppress(OSError):
                    self.modes[str(path.relative_to(folder))] = path.lstat().st_mode & 0o777

    def _read(self, pid: int) -> None:
        try:
            arguments, environment = (
                Path(f"/proc/{pid}/cmdline").read_bytes(),
                Path(f"/proc/{pid}/environ").read_bytes(),
            )
        except OSError:
            return
        # A child between fork and exec still is our own process: its environment is the caller's.
        if arguments != Path("/proc/self/cmdline").read_bytes():
            self.seen[f"{pid} {arguments[:200]!r}"] = (arguments, environment)


def descendants(pid: int, but: Container[int] = ()) -> list[int]:
    """Return the processes that a process started, and those that they started; ``but``: not these and theirs."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text("utf-8", "replace")
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = [child for child in children.get(todo.pop(), []) if child not in but]
        found += below
        todo += below
    return found

"""Every wait has an end: a moment that all waits of a run share, and a way to call them off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class DeadlineError(Exception):
    """The time for this is over, or the run was called off."""


class _CalledOff:
    """Whether a run was called off, and what is to be done then: one for all deadlines of the run."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.lock = threading.RLock()
        self.actions: dict[int, Callable[[], object]] = {}


class Deadline:
    """A moment (of the monotonic clock) after which nothing waits any more."""

    def __init__(self, seconds: float, _shared: _CalledOff | None = None) -> None:
        """End in ``seconds`` from now."""
        self._end = time.monotonic() + seconds
        self._shared = _shared or _CalledOff()

    def within(self, seconds: float) -> Deadline:
        """Return an earlier deadline for one step: at most ``seconds``, at most what is left; called off with this one."""
        return Deadline(min(seconds, self.left()), self._shared)

    def left(self) -> float:
        """Return the seconds that are left, 0 when it is over or called off."""
        return 0.0 if self.cancelled else max(0.0, self._end - time.monotonic())

    def over(self) -> bool:
        """Tell whether it has passed or the run was called off."""
        return self.left() <= 0

    def check(self) -> None:
        """Raise DeadlineError when it is over."""
        if self.over():
            raise DeadlineError("called off" if self.cancelled else "the time for this run is over")

    def sleep(self, seconds: float) -> None:
        """Wait, no longer than the deadline and not after the run was called off. Raises DeadlineError when it is over."""
        self._shared.event.wait(min(seconds, self.left()))
        self.check()

    @contextmanager
    def on_cancel(self, action: Callable[[], object]) -> Iterator[None]:
        """While the block runs, do this when the run is called off: end a child, shut a socket. At once if it already was."""
        shared, key = self._shared, id(action)
        with shared.lock:
            shared.actions[key] = action
            if shared.event.is_set():
                action()
        try:
            yield
        finally:
            with shared.lock:
                shared.actions.pop(key, None)

    def cancel(self) -> None:
        """Call the run off (Ctrl-C): every wait that shares this deadline ends, and what on_cancel names is done."""
        self._shared.event.set()
        with self._shared.lock:
            for action in list(self._shared.actions.values()):
                action()

    @property
    def cancelled(self) -> bool:
        """The run was called off, rather than out of time."""
        return self._shared.event.is_set()

"""Every wait has an end: a moment that all waits of a run share, and a way to call them off."""

from __future__ import annotations

import threading
import time


class DeadlineError(Exception):
    """The time for this is over, or the run was called off."""


class Deadline:
    """A moment (of the monotonic clock) after which nothing waits any more."""

    def __init__(self, seconds: float, _cancelled: threading.Event | None = None) -> None:
        """End in ``seconds`` from now."""
        self._end = time.monotonic() + seconds
        self._cancelled = _cancelled or threading.Event()

    def within(self, seconds: float) -> Deadline:
        """Return an earlier deadline for one step: at most ``seconds``, at most what is left; called off with this one."""
        return Deadline(min(seconds, self.left()), self._cancelled)

    def left(self) -> float:
        """Return the seconds that are left, 0 when it is over or called off."""
        return 0.0 if self._cancelled.is_set() else max(0.0, self._end - time.monotonic())

    def over(self) -> bool:
        """Tell whether it has passed or the run was called off."""
        return self.left() <= 0

    def check(self) -> None:
        """Raise DeadlineError when it is over."""
        if self.over():
            raise DeadlineError("called off" if self._cancelled.is_set() else "the time for this run is over")

    def sleep(self, seconds: float) -> None:
        """Wait, no longer than the deadline and not after the run was called off. Raises DeadlineError when it is over."""
        self._cancelled.wait(min(seconds, self.left()))
        self.check()

    def cancel(self) -> None:
        """Call the run off: every wait that shares this deadline ends (Ctrl-C)."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """The run was called off, rather than out of time."""
        return self._cancelled.is_set()

"""The deadline that all waits of a run share, and the cancellation of a run."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class DeadlineError(Exception):
    """The deadline has passed, or the run was cancelled."""


_runs: weakref.WeakSet[_Cancellation] = weakref.WeakSet()


def cancel_all() -> None:
    """Cancel every run of this process: it is asked to end."""
    for run in list(_runs):
        run.cancel()


class _Cancellation:
    """The cancellation state of a run and the actions for it, shared by all deadlines of the run."""

    def __init__(self) -> None:
        _runs.add(self)
        self.event = threading.Event()
        self.lock = threading.RLock()
        self.actions: dict[int, Callable[[], object]] = {}

    def cancel(self) -> None:
        self.event.set()
        with self.lock:
            for action in list(self.actions.values()):
                action()


class Deadline:
    """A time (of the monotonic clock) after which every wait ends."""

    def __init__(self, seconds: float, _shared: _Cancellation | None = None) -> None:
        """Set the deadline to ``seconds`` from now."""
        self._end = time.monotonic() + seconds
        self._shared = _shared or _Cancellation()

    def within(self, seconds: float) -> Deadline:
        """Return a deadline for one step: at most ``seconds`` and not after this one. It is cancelled with this one."""
        return Deadline(min(seconds, self.left()), self._shared)

    def left(self) -> float:
        """Return the remaining seconds, 0 if the deadline has passed or the run was cancelled."""
        return 0.0 if self.cancelled else max(0.0, self._end - time.monotonic())

    def over(self) -> bool:
        """Tell whether the deadline has passed or the run was cancelled."""
        return self.left() <= 0

    def check(self) -> None:
        """Raise DeadlineError if the deadline has passed or the run was cancelled."""
        if self.over():
            raise DeadlineError("the run was cancelled" if self.cancelled else "the deadline of the run has passed")

    def sleep(self, seconds: float) -> None:
        """Wait, at most until the deadline or the cancellation of the run. Raises DeadlineError if one of them comes first."""
        self._shared.event.wait(min(seconds, self.left()))
        self.check()

    @contextmanager
    def on_cancel(self, action: Callable[[], object]) -> Iterator[None]:
        """While the block runs, call ``action`` if the run is cancelled (kill a child, close a socket); at once if it was."""
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
        """Cancel the run (Ctrl-C): every wait with this deadline ends, and the on_cancel actions run."""
        self._shared.cancel()

    @property
    def cancelled(self) -> bool:
        """The run was cancelled (and did not merely run out of time)."""
        return self._shared.event.is_set()

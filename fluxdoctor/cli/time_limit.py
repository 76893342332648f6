"""The time limit of a whole command: work that would go on for ever is cut, and the program says so."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from fluxdoctor.cli import termination

if TYPE_CHECKING:
    import click

#: Seconds, unless the user sets --timeout: of a repository, or a snapshot, which no server delays.
OFFLINE = 600.0
#: Seconds that remain for rules and the report after a cluster was read.
_JUDGING = 120.0
#: Seconds after the limit: then the process ends, even within a call that no signal interrupts.
_GRACE = 5.0
EXIT_CODE = 2


class TimeLimitError(BaseException):
    """The limit was reached. No ``except Exception`` may go on after it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the run did not finish within {seconds:g}s; use --timeout to allow more time")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitError in the block after these seconds; a few seconds later, end the process."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def expire(_: int, __: FrameType | None) -> None:
        termination.cancel_waits()
        raise TimeLimitError(seconds)

    watchdog = threading.Timer(seconds + _GRACE, _leave, [seconds])
    watchdog.daemon = True
    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def of_diagnosis(ctx: click.Context, timeout: float, *, is_replay: bool) -> float:
    """Return the seconds for a diagnosis. ``timeout`` is the limit for reading a cluster; a replay reads none."""
    from click.core import ParameterSource

    if not is_replay:
        return timeout + _JUDGING
    return timeout if ctx.get_parameter_source("timeout") is ParameterSource.COMMANDLINE else OFFLINE


def _leave(seconds: float) -> None:
    sys.stderr.write(f"fluxdoctor: {TimeLimitError(seconds)}\n")
    sys.stderr.flush()
    termination.leave(EXIT_CODE)

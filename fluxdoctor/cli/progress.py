"""Progress on a terminal, and what Ctrl-C does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from types import FrameType

    from fluxdoctor.collect.net.deadline import Deadline


@contextmanager
def interruptible(deadline: Deadline) -> Iterator[None]:
    """Cancel the deadline at the first Ctrl-C, so that partial results are reported; the second one ends the program."""

    def stop(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        click.echo("\nfluxdoctor: interrupted; showing partial results", err=True)
        deadline.cancel()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows the current step, on a terminal only: a log of a pipeline stays clean."""
    if not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    from fluxdoctor.report.plain import plain

    console = Console(stderr=True)
    with console.status("connecting") as status:
        yield lambda text: status.update(Text(f"{plain(text)} ..."))  # an address may look like rich's markup

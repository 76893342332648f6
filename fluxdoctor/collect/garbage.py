"""Disables garbage collection while facts are created, because they all live until the end of a run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected(*, stays: bool = False) -> Iterator[None]:
    """Disable the garbage collector. Scanning millions of new objects repeatedly would double the time.

    ``stays``: the new objects live as long as the process, so later collections skip them too. If several
    blocks run at a time, the first that ends enables the collector again, and none leaves it disabled.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if stays:
            gc.freeze()
        if was:
            gc.enable()

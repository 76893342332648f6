"""Python's search for garbage, put off while facts are made that all stay to the end of a run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected(*, stays: bool = False) -> Iterator[None]:
    """Millions of new objects: looking through them for garbage again and again doubles the time.

    ``stays``: what was made lives as long as the process, and is not looked through afterwards
    either. Where several run at a time, the first that ends lets it begin again, and none leaves it off.
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

"""Works that wait for builds, by turns in one thread: one goes on while another's build runs."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
#: A work that yields what it waits for, or None to let the others go on first.
Steps: TypeAlias = Generator[Future[Any] | None, None, T]
_TURN = 0.0003  # seconds; Python's own is 0.005


@contextmanager
def short_turns() -> Iterator[None]:
    """Let threads that begin programs have Python soon: with each file that they write they give it away.

    In Python 3.11 they then wait for a whole turn of the thread that reads, and a program begins a tenth of a second late.
    """
    was = sys.getswitchinterval()
    sys.setswitchinterval(min(was, _TURN))
    try:
        yield
    finally:
        if was > _TURN:  # of several runs at a time the first sets it back, and none leaves it short
            sys.setswitchinterval(was)


def ended(future: Future[T]) -> Steps[T]:
    """Return the result of a future, when it is there. Raises what the future does."""
    if not future.done():
        yield future
    return future.result()


def together(works: Iterable[Steps[T]]) -> list[T]:
    """Return the results of works, in their order. Raises what one of them does."""
    works = list(works)
    found: dict[int, T] = {}
    ready = deque(range(len(works)))
    waiting: dict[Future[Any], list[int]] = {}
    while ready or waiting:
        if not ready:
            done = wait(waiting, return_when=FIRST_COMPLETED).done
            ready.extend(sorted(number for future in done for number in waiting.pop(future)))
        number = ready.popleft()
        try:
            future = next(works[number])
        except StopIteration as end:
            found[number] = end.value
        else:
            (waiting.setdefault(future, []) if future else ready).append(number)
    return [found[number] for number in range(len(works))]

"""Runs generators that wait for builds, in turns and in one thread: one continues while the build of another runs."""

# Only builds use threads, because traversals in threads waited for each other. Rejected: asyncio (a loop may already run),
# processes (fork beside threads).

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
#: A generator that yields the future that it waits for, or None if the others may continue first.
Steps: TypeAlias = Generator[Future[Any] | None, None, T]
_SWITCH_INTERVAL = 0.0003  # seconds; Python's default is 0.005


@contextmanager
def short_switch_interval() -> Iterator[None]:
    """Switch between threads more often, so that threads start their programs without delay.

    A thread releases the interpreter with each file that it writes. In Python 3.11 it then waits for a whole interval of the
    thread that parses, and a program starts a tenth of a second late.
    """
    previous = sys.getswitchinterval()
    sys.setswitchinterval(min(previous, _SWITCH_INTERVAL))
    try:
        yield
    finally:
        if previous > _SWITCH_INTERVAL:  # of several concurrent runs the first one resets it, and none leaves it short
            sys.setswitchinterval(previous)


def result_of(future: Future[T]) -> Steps[T]:
    """Wait for a future and return its result. Raises what the future raises."""
    if not future.done():
        yield future
    return future.result()


def run_all(generators: Iterable[Steps[T]]) -> list[T]:
    """Run generators to their end and return their results, in their order. Raises what one of them raises."""
    generators = list(generators)
    results: dict[int, T] = {}
    ready = deque(range(len(generators)))
    waiting: dict[Future[Any], list[int]] = {}
    while ready or waiting:
        if not ready:
            done = wait(waiting, return_when=FIRST_COMPLETED).done
            ready.extend(sorted(number for future in done for number in waiting.pop(future)))
        number = ready.popleft()
        try:
            future = next(generators[number])
        except StopIteration as end:
            results[number] = end.value
        else:
            (waiting.setdefault(future, []) if future else ready).append(number)
    return [results[number] for number in range(len(generators))]

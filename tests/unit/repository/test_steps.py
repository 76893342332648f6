"""Works that wait for builds: all of them go on, in one thread, and what one of them fails with is told."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from fluxdoctor.repository.follow import steps
from fluxdoctor.repository.follow.steps import Steps


def test_results_are_in_the_order_of_the_works() -> None:
    futures: list[Future[int]] = [Future() for _ in range(3)]
    said: list[str] = []

    def work(number: int) -> Steps[int]:
        said.append(f"{number} begins")
        found = yield from steps.result_of(futures[number])
        said.append(f"{number} ends")
        if number:
            futures[number - 1].set_result(number)  # the last is ready first
        return found

    futures[2].set_result(7)
    assert steps.run_all(work(number) for number in range(3)) == [1, 2, 7]
    assert said == ["0 begins", "1 begins", "2 begins", "2 ends", "1 ends", "0 ends"]


def test_all_begin_before_one_goes_on() -> None:
    said: list[str] = []

    def work(number: int) -> Steps[None]:
        said.append(f"{number} begins")
        yield None
        said.append(f"{number} goes on")

    assert steps.run_all([work(0), work(1)]) == [None, None]
    assert said == ["0 begins", "1 begins", "0 goes on", "1 goes on"]


def test_works_may_wait_for_the_same_and_for_what_a_thread_does() -> None:
    go = threading.Event()

    def work(future: Future[bool]) -> Steps[bool]:
        return (yield from steps.result_of(future))

    def free() -> Steps[bool]:
        yield None
        go.set()
        return False

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(go.wait, 30)
        assert steps.run_all([work(slow), work(slow), free()]) == [True, True, False]


def test_no_work_is_no_result() -> None:
    assert steps.run_all([]) == []


def test_what_a_future_raises_is_raised() -> None:
    future: Future[None] = Future()
    future.set_exception(ValueError("no build"))

    def work() -> Steps[None]:
        yield from steps.result_of(future)

    with pytest.raises(ValueError, match="no build"):
        steps.run_all([work()])


def test_turns_are_short_only_inside() -> None:
    was = sys.getswitchinterval()
    with steps.short_switch_interval():
        inside = sys.getswitchinterval()
        with steps.short_switch_interval():
            pass
        assert sys.getswitchinterval() == inside < was
    assert sys.getswitchinterval() == was

"""Sends requests for many sources concurrently.

Sources with the same address and login share one request. Each source gets one answer, and an error of one does not
affect the others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.deadline import DeadlineError
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.resource import Ref

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """The request of one source. Sources with the same ``key`` share one answer; ``target`` is the address for reports."""

    source: Ref
    target: str
    key: Hashable


@dataclass(frozen=True)
class Result(Generic[T]):
    """The class of an answer, a short detail for reports, and the value that was read (None: none)."""

    answer: Answer
    detail: str = ""
    value: T | None = None


def ask(
    questions: Iterable[Request], answer: Callable[[tuple[Request, ...]], Result[T]], context: ProbeContext
) -> tuple[dict[Ref, Probe], dict[Ref, T]]:
    """Answer the questions, once for each key. Raises nothing: an error becomes the answer."""
    groups: dict[Hashable, list[Request]] = {}
    for question in questions:
        groups.setdefault(question.key, []).append(question)
    probes: dict[Ref, Probe] = {}
    values: dict[Ref, T] = {}
    with ThreadPoolExecutor(max(1, context.workers), thread_name_prefix="source") as pool:
        batches = [tuple(group) for group in groups.values()]
        for group, result in zip(batches, pool.map(lambda g: _answer_safely(answer, g, context), batches), strict=True):
            for question in group:
                probes[question.source] = Probe(question.target, result.answer, result.detail, context.taken)
                if result.value is not None:
                    values[question.source] = result.value
    return probes, values


def _answer_safely(
    answer: Callable[[tuple[Request, ...]], Result[T]], group: tuple[Request, ...], context: ProbeContext
) -> Result[T]:
    try:
        context.deadline.check()
        context.progress(group[0].target)
        return answer(group)
    except UnreachableError as error:
        return Result(error.answer, error.detail)
    except DeadlineError as error:
        return Result(Answer.TIMEOUT, str(error))
    except Exception as error:  # noqa: BLE001 - a bug at one source must not lose the others
        # The text of an exception may quote the request, with its credentials.
        return Result(Answer.UNKNOWN, f"the request failed ({type(error).__name__})")


def refusal_probes(refusals: Mapping[Ref, tuple[str, UnreachableError]], context: ProbeContext) -> dict[Ref, Probe]:
    """Return the probes of sources for which no request could be sent, from their targets and errors."""
    return {ref: Probe(target, error.answer, error.detail, context.taken) for ref, (target, error) in refusals.items()}

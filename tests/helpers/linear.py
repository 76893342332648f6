"""Runs every pattern of the program over adversarial texts, and prints those whose time grows faster than the text.

Each pattern runs in a fork with a limit of CPU time: one that never ends is a result too.
"""

from __future__ import annotations

import json
import os
import resource
import time
from typing import Any

from tests.helpers import adversarial, patterns

#: Characters: to choose the texts that are the slowest, and to compare.
_CHOICE, _SHORT, _LONG = 4_000, 50_000, 200_000
#: Seconds of CPU: a time that is not worth comparing, the most for the long text, and the limit of one pattern.
_NOISE, _MOST, _LIMIT = 0.1, 1.5, 20
#: Four times the text may take this many times as long.
_GROWTH = 8
_SLOWEST = 3


def slow(pattern: patterns.Pattern) -> str:
    """Return what is wrong with a pattern, "" if its time is linear."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (_LIMIT, _LIMIT))
        os.write(writer, json.dumps(_judge(pattern)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return str(json.loads(answer)) if answer else f"takes more than {_LIMIT} s"


def _judge(pattern: patterns.Pattern) -> str:
    texts = list(adversarial.texts(pattern.expression, _CHOICE))
    order = sorted(range(len(texts)), key=lambda i: -_seconds(pattern, texts[i]))
    for index, (short, long) in enumerate(
        zip(*(list(adversarial.texts(pattern.expression, n)) for n in (_SHORT, _LONG)), strict=True)
    ):
        if index not in order[:_SLOWEST]:
            continue
        took_short = _seconds(pattern, short)
        if took_short > _MOST:
            return f"{took_short:.1f} s for {_SHORT} of {short[:60]!r}"
        took_long = _seconds(pattern, long)
        if took_long > _MOST or (took_long > _NOISE and took_long > _GROWTH * max(took_short, _NOISE / _GROWTH)):
            return f"{took_short:.2f} s for {_SHORT}, {took_long:.2f} s for {_LONG} of {short[:60]!r}"
    return ""


def _seconds(pattern: patterns.Pattern, text: Any) -> float:
    began = time.process_time()
    if pattern.use == "search":
        pattern.expression.search(text)
    elif pattern.use == "match":
        pattern.expression.match(text)
        pattern.expression.fullmatch(text)
    else:
        for _ in pattern.expression.finditer(text):
            pass
    return time.process_time() - began


def main() -> None:
    """Print a line for each pattern that is not linear."""
    for pattern in patterns.collect()[0]:
        if flaw := slow(pattern):
            print(f"{pattern.where} [{pattern.use}] {pattern.expression.pattern!r}: {flaw}", flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()

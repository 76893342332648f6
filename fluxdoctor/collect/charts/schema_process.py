"""Asks the worker that validates by untrusted schemas: a process of its own, with limits of time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from fluxdoctor.collect.charts import schema_worker

_SECONDS = 5.0
_MAX_SLOW_SCHEMAS = 3
#: Bytes of one question. A Flux CRD has 100 kB, and the values of a chart less.
_LARGEST = 16 << 20


def ask(questions: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the answer of the worker to each question (a line of JSON, see schema_worker). Raises nothing.

    A question without an answer in time is skipped, and the remaining ones are asked again.
    """
    lines = [q if len(q) <= _LARGEST else '{"schema": "{}", "values": []}' for q in questions]
    answers: list[Mapping[str, Any]] = []
    for _ in range(_MAX_SLOW_SCHEMAS):
        if len(answers) == len(lines):
            break
        answers += _run(lines[len(answers) :])
        if len(answers) < len(lines):
            answers.append({"why": "its schema exceeded the limit of time or memory"})
    answers += [{"why": "not validated: too many schemas exceeded the limits"}] * (len(lines) - len(answers))
    large = {"why": f"its schema and values have more than {_LARGEST >> 20} MiB"}
    return [a if len(q) <= _LARGEST else large for q, a in zip(questions, answers, strict=True)]


def _run(lines: list[str]) -> list[Mapping[str, Any]]:
    command = [sys.executable, "-I", schema_worker.__file__]
    try:
        process = subprocess.run(  # noqa: S603 - our own file; the values are passed through a pipe
            command, input="\n".join(lines).encode(), capture_output=True, timeout=_SECONDS, env={}, check=False
        )
        output = process.stdout
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
    except OSError:
        return []
    return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n")]

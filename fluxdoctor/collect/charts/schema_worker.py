"""Validates values by JSON schemas in a separate process, because a schema is untrusted and may never finish.

The worker reads one JSON line for each question and writes one JSON line for each answer:

* question: ``schema``, ``values`` (one or several variants) and ``partly`` (true: only part of the values is known);
* answer: ``flaws`` that every variant has, or ``why`` the schema cannot be used.

If ``partly`` is true, flaws that depend on other values are omitted: those below ``if``, ``anyOf``, ``not`` and similar.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

_MEMORY = 2 << 30
_MOST_FLAWS = 20
_LONGEST = 300
#: Keywords of a schema that are followed by a name or a number, and keywords that are not.
_NAMED = ("properties", "patternProperties", "allOf", "prefixItems")
_PLAIN = ("items", "additionalProperties", "$ref")


def main() -> None:
    """Answer until the input ends. Regular expressions take linear time, as in Go; no document is fetched."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)  # noqa: T201 - the answer of the worker


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    import jsonschema_rs

    try:
        validator = jsonschema_rs.validator_for(
            json.loads(question["schema"]),
            validate_formats=False,  # libraries differ in which host names they accept
            retriever=_refuse,
            pattern_options=jsonschema_rs.RegexOptions(),
        )
        variants = [_flaws(validator, values) for values in question["values"]]
    except jsonschema_rs.ValidationError as error:
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Referencing):
            return {"why": "its schema refers to another document, which is not fetched"}
        return {"why": "its values.schema.json is not a JSON schema"}
    except jsonschema_rs.ReferencingError:
        return {"why": "its schema refers to another document, which is not fetched"}
    except (ValueError, RecursionError, OverflowError):
        return {"why": "its values.schema.json cannot be read"}
    first, *rest = variants
    flaws = [[*key, message] for key, message in first.items() if all(key in variant for variant in rest)]
    if question.get("partly"):
        flaws = [flaw for flaw in flaws if _is_local(json.loads(flaw[1]))]
    return {"flaws": [[json.loads(path), message] for path, _, message in flaws[:_MOST_FLAWS]]}


def _flaws(validator: Any, values: Any) -> dict[tuple[str, str], str]:
    return {
        (json.dumps(list(flaw.instance_path)), json.dumps(list(flaw.evaluation_path))): flaw.message[:_LONGEST]
        for flaw in validator.iter_errors(values)
    }


def _is_local(path: list[str | int]) -> bool:
    """Tell whether a flaw does not depend on other values: its path has only plain steps and references."""
    steps = iter(path[:-1])
    for step in steps:
        if step in _NAMED:
            next(steps, None)
        elif step not in _PLAIN and not isinstance(step, int):
            return False
    return True


def _refuse(uri: str) -> None:
    raise ValueError(uri)


if __name__ == "__main__":
    main()

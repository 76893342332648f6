"""Validates by JSON schemas in a separate process, because a schema is untrusted and may never finish.

The worker reads one JSON line for each question and writes one JSON line for each answer. About the values of a chart:

* question: ``schema``, ``values`` (one or several variants) and ``partly`` (true: only part of the values is known);
* answer: ``flaws`` that every variant has, or ``why`` the schema cannot be used.

About objects of a kind whose CustomResourceDefinition is in a repository:

* question: ``schema`` and ``objects``; its regular expressions are ``goPattern``, which RE2 evaluates as the API server does;
* answer: ``errors`` of each object, or ``why`` the schema cannot be used.

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
_MOST_ERRORS = 1_000
#: Keywords of a schema that are followed by a name or a number, and keywords that are not.
_NAMED = ("properties", "patternProperties", "allOf", "prefixItems")
_PLAIN = ("items", "additionalProperties", "$ref")


def main() -> None:
    """Answer until the input ends. Regular expressions take linear time, as in Go; no document is fetched."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for line in sys.stdin:
        question = json.loads(line)
        answer = _errors_of_objects(question) if "objects" in question else _answer(question)
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer of the worker


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


def _errors_of_objects(question: dict[str, Any]) -> dict[str, Any]:
    schema = json.loads(question["schema"])
    try:
        validator = _validator(schema)
        rows = [errors(validator, body) for body in question["objects"]]
    except (ValueError, RecursionError, OverflowError):
        return {"why": _flaw_of(schema)}
    if any(len(row) > _MOST_ERRORS for row in rows):
        return {"why": f"an object has more than {_MOST_ERRORS:,} errors by it"}
    return {"errors": rows}


def _validator(schema: Any) -> Any:
    import jsonschema_rs
    import re2

    class GoPattern:
        """The keyword ``goPattern``."""

        def __init__(self, _: Any, pattern: Any, __: Any) -> None:
            self.program = re2.compile(pattern)

        def validate(self, instance: Any) -> None:
            if isinstance(instance, str) and not self.program.search(instance):
                raise ValueError

    return jsonschema_rs.Draft7Validator(
        schema,
        validate_formats=False,
        retriever=_refuse,
        pattern_options=jsonschema_rs.RegexOptions(),
        keywords={"goPattern": GoPattern},
    )


def _flaw_of(schema: Any) -> str:
    """Return why a schema is none, in the words of jsonschema, which names the part; jsonschema-rs quotes all of it."""
    import jsonschema

    meta = jsonschema.Draft7Validator(jsonschema.Draft7Validator.META_SCHEMA)
    error = jsonschema.exceptions.best_match(meta.iter_errors(schema))
    if error is None:
        return "it cannot be evaluated"
    return f"{'.'.join(map(str, error.absolute_path))}: {error.message}"[:_LONGEST]


def errors(validator: Any, instance: Any) -> list[list[Any]]:
    """Return (path, path in the schema, value of the keyword) of each error of jsonschema-rs, up to a limit and one more."""
    rows: list[list[Any]] = []
    for error in validator.iter_errors(instance):
        is_name = error.kind.name in ("required", "additionalProperties")
        rows.append([list(error.instance_path), list(error.schema_path), error.kind.value if is_name else None])
        if len(rows) > _MOST_ERRORS:
            break
    return rows


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

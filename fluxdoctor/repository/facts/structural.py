"""Turns the schemas of CustomResourceDefinitions into JSON schemas, and refuses what the API server would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fluxdoctor.model import go_regex

#: Says nothing about which objects are valid, or is dropped by the API server.
_IGNORED = {"description", "format", "default", "nullable", "example", "title", "externalDocs", "id", "$schema"}
#: Keywords that a structural schema must not have (apiextensions-apiserver 1.35, pkg/apiserver/schema/convert.go).
_FORBIDDEN = ("$ref", "definitions", "dependencies", "patternProperties", "additionalItems")
_LISTS = ("allOf", "anyOf", "oneOf")
#: Evaluated by RE2, as the API server does, and not by the engine of the validator.
GO_PATTERN = "goPattern"


class SchemaError(Exception):
    """The API server would refuse the schema, or it exceeds a limit. The text says where and why."""


def json_schema(schema: Any) -> Any:
    """Return the JSON schema of an untrusted openAPIV3 schema. Raises SchemaError.

    ``schema`` must be finite and at most a few hundred levels deep: encode it as JSON before. Without references it describes
    a tree, so the time of a validation is limited by the sizes of the schema and of the object.
    """
    for path, keyword, value in _keywords(schema, ()):
        if keyword in _FORBIDDEN:
            raise SchemaError(f"{_dotted(path, keyword)} is not allowed")
        if keyword == "pattern" and (flaw := _pattern_flaw(value)):
            raise SchemaError(f"{_dotted(path, keyword)} is not a valid Go regular expression: {flaw}")
    return plain(schema, pattern=GO_PATTERN)


def plain(schema: Any, *, root: bool = True, pattern: str = "pattern") -> Any:
    """Turn a structural openAPIV3 schema into a JSON schema of draft 7.

    Objects are closed, as server-side apply reads them, and descriptions are removed. What has the wrong type stays as it is:
    the validator refuses it. ``pattern``: the keyword for regular expressions.
    """
    if isinstance(schema, list):
        return [plain(item, root=False, pattern=pattern) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _IGNORED or key.startswith("x-kubernetes-"):
            continue
        if key == "properties" and isinstance(value, dict):
            properties = {k: v for k, v in value.items() if not (root and k == "status")}
            result[key] = {name: plain(inner, root=False, pattern=pattern) for name, inner in properties.items()}
        elif key == "enum":
            result[key] = value
        else:
            result[pattern if key == "pattern" else key] = plain(value, root=False, pattern=pattern)
    _move_limits(result)
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    is_closed = "properties" in schema and "additionalProperties" not in schema
    if is_closed and not root and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return result


def _move_limits(schema: dict[str, Any]) -> None:
    """Write exclusive limits as draft 7 has them: in a CRD, as in draft 4, they are true or false beside the limit."""
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(exclusive), bool):
            is_exclusive = schema.pop(exclusive)
            if is_exclusive and limit in schema:
                schema[exclusive] = schema.pop(limit)


def _keywords(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Yield every keyword of a schema and of the schemas in it, with its path."""
    pending = [(schema, path)]
    while pending:
        node, at = pending.pop()
        if not isinstance(node, dict):
            continue
        for key, value in node.items():
            yield at, key, value
            if key == "properties" and isinstance(value, dict):
                pending += [(inner, (*at, key, name)) for name, inner in value.items()]
            elif key in _LISTS and isinstance(value, list):
                pending += [(inner, (*at, f"{key}[{i}]")) for i, inner in enumerate(value)]
            elif key in ("items", "additionalProperties", "not"):
                pending.append((value, (*at, key)))


def _dotted(path: tuple[str, ...], keyword: str) -> str:
    return ".".join((*path, keyword))


def _pattern_flaw(pattern: Any) -> str:
    if not isinstance(pattern, str):
        return ""  # the validator refuses it
    return go_regex.limit(pattern) or go_regex.flaw(pattern)

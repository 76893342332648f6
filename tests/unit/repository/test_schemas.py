"""Objects of a repository against the schemas of its own CRDs, which anybody may have written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from fluxdoctor.collect.charts import schema_process
from fluxdoctor.model.gaps import GapReason
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.repository.facts import schema, structural
from fluxdoctor.repository.files.content_cache import ContentCache
from fluxdoctor.repository.follow.cluster_contents import ClusterContents
from tests.unit.repository.test_manifest_reader import reached

_CRD = Ref("CustomResourceDefinition", "", "gitrepositories.source.toolkit.fluxcd.io")
_NOT = "no GitRepository is validated by its schema: "


def contents(spec_schema: Any, spec: Any) -> ClusterContents:
    """A GitRepository and the CRD by which its spec is judged."""
    body = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "a", "namespace": "b"}, "spec": spec}  # fmt: skip
    version = {
        "name": "v1",
        "served": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec_schema}}},
    }
    names = {"group": "source.toolkit.fluxcd.io", "names": {"kind": "GitRepository"}, "versions": [version]}
    definition = {"kind": "CustomResourceDefinition", "metadata": {"name": _CRD.name}, "spec": names}
    return reached(Resource(body=body, ref=Ref("GitRepository", "b", "a")), Resource(body=definition, ref=_CRD))


def verdict(folder: Path, spec_schema: Any, spec: Any = None) -> list[str]:
    """The flaws and the gaps."""
    schemas, gaps = schema.judge(contents(spec_schema, {"a": "x"} if spec is None else spec), ContentCache(folder))
    assert all(gap.scope == _CRD for gap in gaps)
    return [*(flaw.why for flaw in schemas.flaws), *(gap.detail for gap in gaps)]


def _deep(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        node = {"type": "object", "properties": {"a": node}}
    return node


@pytest.mark.parametrize(
    ("spec_schema", "why"),
    [
        ({"$ref": "http://127.0.0.1:9/schema"}, "properties.spec.$ref is not allowed"),
        ({"$ref": "file:///etc/hostname"}, "properties.spec.$ref is not allowed"),
        ({"$ref": "#/nothing"}, "properties.spec.$ref is not allowed"),
        ({"allOf": [{"$ref": "#"}]}, "properties.spec.allOf[0].$ref is not allowed"),
        ({"properties": {"a": {"items": {"not": {"$ref": "#/properties/spec"}}}}}, "properties.spec.properties.a.items.not.$ref is not allowed"),
        ({"patternProperties": {"(a|a)*b": {}}}, "properties.spec.patternProperties is not allowed"),
        ({"definitions": {"a": {}}}, "properties.spec.definitions is not allowed"),
        ({"properties": {"a": {"pattern": "("}}}, "properties.spec.properties.a.pattern is not a valid Go regular expression: missing closing )"),
        ({"properties": {"a": {"pattern": "(?=a)"}}}, "properties.spec.properties.a.pattern is not a valid Go regular expression: Go does not support (?="),
        ({"properties": {"a": {"pattern": 7}}}, "it cannot be evaluated"),
        ({"type": "frobnicate"}, "properties.spec.type: 'frobnicate' is not valid under any of the given schemas"),
        ({"properties": [1, 2]}, "properties.spec.properties: [1, 2] is not of type 'object'"),
        ({"properties": {"a": 7}}, "properties.spec.properties.a: 7 is not of type 'object', 'boolean'"),
        ({"required": 7}, "properties.spec.required: 7 is not of type 'array'"),
        ({"allOf": 7}, "properties.spec.allOf: 7 is not of type 'array'"),
        ({"items": 5}, "properties.spec.items: 5 is not valid under any of the given schemas"),
        ({"multipleOf": 0}, "properties.spec.multipleOf: 0 is less than or equal to the minimum of 0"),
        ({"minLength": "\r\n::error::x"}, "properties.spec.minLength: '\\r\\n::error::x' is not of type 'integer'"),
        (_deep(200), "it is nested too deeply, or JSON cannot hold it"),
        ({"enum": [object()]}, "it is nested too deeply, or JSON cannot hold it"),
    ],
)  # fmt: skip
def test_a_schema_that_is_none_is_a_gap(tmp_path: Path, spec_schema: Any, why: str) -> None:
    assert verdict(tmp_path, spec_schema) == [_NOT + why]


@pytest.mark.parametrize(
    ("spec_schema", "spec", "flaws"),
    [
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": r"^\pL+\z"}}}, {"a": "x1"},
         [r'spec.a: Invalid value: "x1": should match ^\pL+\z']),
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": r"\Qa.b\E"}}}, {"a": "a.b"}, []),
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "(a|a)*b"}}}, {"a": "a" * 5000},
         [f'spec.a: Invalid value: "{"a" * 5000}": should match (a|a)*b']),
        ({"type": "object", "properties": {"address": {"type": "string"}}}, {"adress": "x"},
         [".spec.adress: field not declared in schema; did you mean address?"]),
        ({"type": "object", "required": ["b", "c"]}, {"a": 1}, ["spec.b: Required value", "spec.c: Required value"]),
        ({"properties": {"a": {"x-kubernetes-int-or-string": True}}}, {"a": 1.5}, ["spec.a: must be a whole number or a string"]),
        ({"properties": {"a": {"x-kubernetes-int-or-string": True}}}, {"a": "5%"}, []),
        ({"properties": {"a": {"type": "integer", "minimum": 3, "exclusiveMinimum": True}}}, {"a": 4}, []),
        ({"properties": {"a": {"type": "integer", "minimum": 3, "exclusiveMinimum": False}}}, {"a": 2},
         ["spec.a: Invalid value: minimum is 3"]),
        ({"properties": {"a": {"enum": ["x", "y"]}}}, {"a": "z"},
         ['spec.a: Unsupported value: "z": supported values: "x", "y"']),
        ({"properties": {"pattern": {"type": "string"}, "$ref": {"type": "string"}}}, {"pattern": 1, "$ref": "b"},
         ["spec.pattern: must be a string"]),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {}}, {"a": 1}, []),
        ({"properties": {"a": {"type": "string", "nullable": True}}}, {"a": None}, []),
        ({"properties": {"a": {"type": "string", "pattern": "^x$"}}}, {"a": "${b}"}, []),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1}, []),
    ],
)  # fmt: skip
def test_an_object_is_judged_as_the_api_server_judges_it(
    tmp_path: Path, spec_schema: Any, spec: Any, flaws: list[str]
) -> None:
    for _ in range(2):
        assert verdict(tmp_path, spec_schema, spec) == flaws


def test_a_schema_that_takes_too_long_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_process, "_SECONDS", 1.0)
    branches = {
        "anyOf": [{"items": {"items": {"allOf": [{"enum": [[i, j]]} for j in range(300)]}}} for i in range(300)]
    }
    began = time.monotonic()
    _, gaps = schema.judge(
        contents({"properties": {"a": branches}}, {"a": [[[9]] * 3000] * 30}), ContentCache(tmp_path)
    )
    assert [(gap.reason, gap.detail) for gap in gaps] == [
        (GapReason.TOO_LARGE, _NOT + "its schema exceeded the limit of time or memory")
    ]
    assert time.monotonic() - began < 10


def test_an_object_with_endless_errors_is_a_gap(tmp_path: Path) -> None:
    assert verdict(tmp_path, {"properties": {"a": {"items": {"type": "string"}}}}, {"a": [1] * 1001}) == [
        _NOT + "an object has more than 1,000 errors by it"
    ]


def test_a_question_beyond_the_limit_is_not_asked() -> None:
    large = json.dumps({"schema": "{}", "values": [{"a": "x" * (17 << 20)}]})
    small = json.dumps({"schema": '{"required": ["b"]}', "values": [{}]})
    assert schema_process.ask([large, small]) == [
        {"why": "its schema and values have more than 16 MiB"},
        {"flaws": [[[], '"b" is a required property']]},
    ]


def test_our_own_schemas_have_nothing_that_a_repository_may_not_have() -> None:
    for body in schema._kinds()[1].values():
        structural.json_schema(body)

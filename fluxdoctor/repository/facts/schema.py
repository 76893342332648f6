"""Validates declared Flux objects against the CRDs in the repository, or against Flux's own if it has none."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING, Any

import orjson

from fluxdoctor.collect.charts import schema_process, schema_worker
from fluxdoctor.model import flux
from fluxdoctor.model.gaps import Gap, GapReason
from fluxdoctor.model.resource import Fields, Ref, Resource
from fluxdoctor.model.schemas import SchemaFlaw, Schemas
from fluxdoctor.model.similar import most_similar, suggestion
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.facts import structural
from fluxdoctor.repository.files.content_cache import ContentCache
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

if TYPE_CHECKING:
    from jsonschema_rs import Draft7Validator

_AREA = "schemas"
_PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2,}_[A-Z][A-Z_]*(?![A-Za-z0-9])")
_TYPES = {"object": "a mapping", "array": "a list", "string": "a string", "integer": "a whole number",
          "number": "a number", "boolean": "true or false"}  # fmt: skip
#: flux-operator and others widen these enums of the CRDs when they install them.
_WIDENED = (("Alert", "eventSources"), ("Receiver", "resources"))

_Path = tuple[str | int, ...]
#: The path of each flaw, and why it is one.
_Verdict = list[tuple[_Path, str]]


@dataclass(frozen=True)
class _Schema:
    """A schema, identified by its digest: a verdict is a function of the schema and the object."""

    digest: str
    body: Any = field(compare=False, repr=False)
    """A JSON schema of ours, or the openAPIV3 schema of a CustomResourceDefinition."""
    definition: Ref | None = None
    """The CustomResourceDefinition of the repository that has it; None for a schema of ours."""


@dataclass(frozen=True)
class _Question:
    """An object, and the schema by which to judge it. ``digest``: of both; "" if JSON cannot hold the object."""

    resource: Resource
    schema: _Schema
    body: dict[str, Any]
    digest: str


def judge(contents: ClusterContents, cache: ContentCache) -> tuple[Schemas, tuple[Gap, ...]]:
    """Validate the rendered Flux objects of a cluster. Values that a variable or SOPS hides are not judged.

    A schema of ours is applied here, one of the repository in the worker. The gaps are schemas that are none, and what exceeds
    a limit. ``cache``: has the verdicts of other clusters and runs, by schema and object.
    """
    questions = list(_questions(contents))
    verdicts: dict[Ref, _Verdict] = {}
    open_questions = []
    for question in questions:
        verdict = cache.get(_AREA, question.digest) if question.digest else None
        if verdict is None:
            open_questions.append(question)
        else:
            verdicts[question.resource.ref] = [(tuple(path), why) for path, why in verdict]
    gaps = []
    for question, answer in _answers(open_questions):
        if isinstance(answer, Gap):
            gaps.append(answer)
            continue
        verdicts[question.resource.ref] = sorted(set(answer), key=str)
        if question.digest:
            cache.put(_AREA, question.digest, verdicts[question.resource.ref])
    flaws = [
        SchemaFlaw(q.resource.ref, contents.owners[q.resource.ref][-1], path, why)
        for q in questions
        for path, why in verdicts.get(q.resource.ref, ())
    ]
    return Schemas(tuple(flaws)), tuple(dict.fromkeys(gaps))


def _questions(contents: ClusterContents) -> Iterator[_Question]:
    cluster_schemas = dict(_schemas_of(contents))
    for ref, resource in sorted(contents.objects.items()):
        is_applied = bool(contents.owners.get(ref)) and ref not in contents.raw
        if not is_applied or ref.kind not in flux.KINDS or resource.has("sops"):
            continue
        key = f"{resource.api_version}/{resource.text('kind')}"
        if schema := cluster_schemas.get(key) or _packaged(key):
            body = {k: v for k, v in resource.body.items() if k != "status"}
            content = _to_json(body)
            yield _Question(resource, schema, body, _digest(schema.digest.encode() + content) if content else "")


def _schemas_of(contents: ClusterContents) -> Iterator[tuple[str, _Schema]]:
    for crd in contents.objects.values():
        if crd.kind == "CustomResourceDefinition" and crd.text("spec.names.kind") in flux.KINDS:
            for row in crd.rows("spec.versions"):
                if row.flag("served") and row.has("schema.openAPIV3Schema"):
                    key = f"{crd.text('spec.group')}/{row.text('name')}/{crd.text('spec.names.kind')}"
                    body = row.get("schema.openAPIV3Schema")
                    yield key, _Schema(_digest(_to_json(body)), body, crd.ref)


@lru_cache(1)
def _kinds() -> tuple[str, Mapping[str, Any]]:
    content = resources.files("fluxdoctor").joinpath("schemas", "flux.json.gz").read_bytes()
    kinds: Mapping[str, Any] = orjson.loads(gzip.decompress(content))["kinds"]
    return _digest(content), kinds


def _packaged(key: str) -> _Schema | None:
    digest, kinds = _kinds()
    return _Schema(f"{digest} {key}", kinds[key]) if key in kinds else None


def _to_json(body: Any) -> bytes:
    """Encode a body as JSON; b"" if it is nested too deeply, or contains what JSON cannot hold."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return b""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _answers(questions: Iterable[_Question]) -> Iterator[tuple[_Question, _Verdict | Gap]]:
    """Yield the verdict on each object, or the gap that explains why there is none."""
    foreign: list[_Question] = []
    for question in questions:
        if question.schema.definition:
            foreign.append(question)
        else:
            yield question, _own_verdict(question)
    groups = [list(group) for _, group in groupby(sorted(foreign, key=_order), key=_order)]
    yield from _foreign_verdicts(groups)


def _order(question: _Question) -> tuple[Ref | None, str]:
    return question.schema.definition, question.schema.digest


@lru_cache(256)
def _validator(schema: _Schema) -> Draft7Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft7Validator(
        schema.body, validate_formats=False, pattern_options=jsonschema_rs.RegexOptions(), offline=True
    )


def _own_verdict(question: _Question) -> _Verdict | Gap:
    try:
        errors = schema_worker.errors(_validator(question.schema), _without_nulls(question.body))
    except (ValueError, OverflowError, RecursionError):
        return Gap(question.resource.ref, GapReason.MALFORMED, "is not validated: JSON cannot hold it")
    return list(_messages(question, question.schema.body, errors))


def _foreign_verdicts(groups: list[list[_Question]]) -> Iterator[tuple[_Question, _Verdict | Gap]]:
    """Ask the worker once for all schemas of the repository."""
    asked: list[tuple[list[_Question], Any, str]] = []
    for group in groups:
        unreadable = [question for question in group if not question.digest]
        yield from (
            (q, Gap(q.resource.ref, GapReason.MALFORMED, "is not validated: JSON cannot hold it")) for q in unreadable
        )
        readable = [question for question in group if question.digest]
        try:
            schema = _json_schema(group[0].schema)
        except structural.SchemaError as error:
            yield from ((question, _refusal(question, str(error))) for question in readable)
            continue
        bodies = [_without_nulls(question.body) for question in readable]
        asked.append((readable, schema, json.dumps({"schema": json.dumps(schema), "objects": bodies})))
    answers = schema_process.ask([line for *_, line in asked]) if asked else []
    for (group, schema, _), answer in zip(asked, answers, strict=True):
        if "errors" not in answer:
            yield from ((question, _refusal(question, str(answer["why"]))) for question in group)
            continue
        for question, errors in zip(group, answer["errors"], strict=True):
            yield question, list(_messages(question, schema, errors))


def _json_schema(schema: _Schema) -> Any:
    if not _to_json(schema.body):
        raise structural.SchemaError("it is nested too deeply, or JSON cannot hold it")
    return structural.json_schema(schema.body)


def _refusal(question: _Question, why: str) -> Gap:
    kind = question.resource.kind
    definition = question.schema.definition or question.resource.ref
    reason = GapReason.TOO_LARGE if "limit" in why else GapReason.MALFORMED
    return Gap(definition, reason, f"no {kind} is validated by its schema: {' '.join(why.split())}")


def _messages(question: _Question, schema: Any, errors: Iterable[list[Any]]) -> Iterator[tuple[_Path, str]]:
    """Yield the path and the message of each flaw, in the words of the API server if it has any."""
    body = _without_nulls(question.body)
    for path, schema_path, names in errors:
        kind, instance = str(schema_path[-1]), _at(body, path)
        is_widened = (question.resource.kind, str(path[1:2] and path[1])) in _WIDENED and kind == "enum"
        if not (_is_hidden(instance) or is_widened):
            error = _Error(tuple(path), kind, _at(schema, schema_path), instance, names)
            yield from error.messages(_at(schema, schema_path[:-1]))
    yield from _chart_errors(question.body)


def _at(value: Any, path: Iterable[str | int]) -> Any:
    """Return the value at a path; None if there is none."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _chart_errors(body: Any) -> Iterator[tuple[_Path, str]]:
    """Check the CEL rule of a HelmRelease's CRD that users break by mistake (helm-controller 1.6, api/v2)."""
    spec = body.get("spec")
    if body.get("kind") == "HelmRelease" and isinstance(spec, dict) and ("chart" in spec) == ("chartRef" in spec):
        yield ("spec",), "spec: Invalid value: either chart or chartRef must be set"


def _without_nulls(value: Any) -> Any:
    """Drop fields that are null, as the API server does."""
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list) else value


def _is_hidden(value: Any) -> bool:
    """Tell whether a value is a variable, a placeholder of a template (REPO_PREFIX), or encrypted by SOPS."""
    return isinstance(value, str) and (
        unknown(value) or value.startswith("ENC[") or _PLACEHOLDER.search(value) is not None
    )


@dataclass(frozen=True)
class _Error:
    """An error of a validator: where, the keyword and its value, the value there; the names that are missing or unknown."""

    path: _Path
    keyword: str
    expected: Any
    instance: Any
    names: Any

    def messages(self, parent: Any) -> Iterator[tuple[_Path, str]]:
        """Yield the path and the message of each flaw. ``parent``: the schema that has the keyword."""
        dotted = Fields({}, self.path).dotted
        if self.keyword == "additionalProperties" and isinstance(self.names, list):
            yield from self._unknown_fields(parent)
        elif self.keyword == "required":
            yield self.path, f"{dotted}.{self.names}: Required value"
        elif self.keyword == "type":
            types = [self.expected] if isinstance(self.expected, str) else self.expected
            yield self.path, f"{dotted}: must be {' or '.join(_TYPES.get(t, t) for t in types)}"
        elif self.keyword == "enum":
            values = ", ".join(f'"{v}"' for v in self.expected)
            yield self.path, f'{dotted}: Unsupported value: "{self.instance}": supported values: {values}'
        elif self.keyword in ("pattern", structural.GO_PATTERN):
            yield self.path, f'{dotted}: Invalid value: "{self.instance}": should match {self.expected}'
        elif self.keyword in ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "minProperties"):
            yield self.path, f"{dotted}: Invalid value: {self.keyword} is {self.expected}"

    def _unknown_fields(self, parent: Any) -> Iterator[tuple[_Path, str]]:
        properties = parent.get("properties", {}) if isinstance(parent, Mapping) else {}
        for key in sorted(self.names):
            hint = suggestion(most_similar(key, properties, 0.7, 1))
            path = (*self.path, key)
            yield path, f".{Fields({}, path).dotted}: field not declared in schema{hint}"

"""Validates declared Flux objects against the CRDs in the repository, or against Flux's own if it has none."""

from __future__ import annotations

import difflib
import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import orjson

from fluxdoctor.model import flux
from fluxdoctor.model.resource import Fields, Resource
from fluxdoctor.model.schemas import SchemaFlaw, Schemas
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.files.content_cache import ContentCache
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

if TYPE_CHECKING:
    from jsonschema import Draft7Validator
    from jsonschema.exceptions import ValidationError

_AREA = "schemas"
_PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2,}_[A-Z][A-Z_]*(?![A-Za-z0-9])")
_TYPES = {"object": "a mapping", "array": "a list", "string": "a string", "integer": "a whole number",
          "number": "a number", "boolean": "true or false"}  # fmt: skip
#: flux-operator and others widen these enums of the CRDs when they install them.
_WIDENED = (("Alert", "eventSources"), ("Receiver", "resources"))


@dataclass(frozen=True)
class _Schema:
    """A schema, identified by its digest: a verdict is a function of the schema and the object."""

    digest: str
    body: Any = field(compare=False, repr=False)
    is_structural: bool = field(default=False, compare=False)
    """In the form that a CRD has."""


def flaws(contents: ClusterContents, cache: ContentCache) -> Schemas:
    """Validate the rendered Flux objects of a cluster. Values that a variable or SOPS hides are not judged.

    ``cache``: has the verdicts of other clusters and runs, by schema and object.
    """
    cluster_schemas = dict(_schemas_of(contents))
    flaws: list[SchemaFlaw] = []
    for ref, resource in sorted(contents.objects.items()):
        owners = contents.owners.get(ref)
        if not owners or ref.kind not in flux.KINDS or ref in contents.raw or resource.has("sops"):
            continue
        key = f"{resource.api_version}/{resource.text('kind')}"
        if schema := cluster_schemas.get(key) or _packaged(key):
            flaws += [SchemaFlaw(ref, owners[-1], path, why) for path, why in _verdict(schema, resource, cache)]
    return Schemas(tuple(flaws))


def _verdict(schema: _Schema, resource: Resource, cache: ContentCache) -> list[tuple[tuple[str | int, ...], str]]:
    body = {k: v for k, v in resource.body.items() if k != "status"}
    content = _to_json(body)
    digest = _digest(schema.digest.encode() + content) if content else ""
    verdict = cache.get(_AREA, digest) if digest else None
    if verdict is None:
        verdict = sorted(set(_errors(_validator(schema), resource.kind, body)), key=str)
        if digest:
            cache.put(_AREA, digest, verdict)
    return [(tuple(path), why) for path, why in verdict]


def plain(schema: Any, *, root: bool = True) -> Any:
    """Turn a structural openAPIV3 schema into a JSON schema.

    Objects are closed, as server-side apply reads them, and descriptions are removed.
    """
    if isinstance(schema, list):
        return [plain(item, root=False) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("description", "format", "default", "nullable", "example") or key.startswith("x-kubernetes-"):
            continue
        if key == "properties":
            properties = {k: v for k, v in value.items() if not (root and k == "status")}
            result[key] = {name: plain(inner, root=False) for name, inner in properties.items()}
        else:
            result[key] = plain(value, root=False)
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    is_closed = "properties" in schema and "additionalProperties" not in schema
    if is_closed and not root and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return result


def _schemas_of(contents: ClusterContents) -> Iterator[tuple[str, _Schema]]:
    for crd in contents.objects.values():
        if crd.kind == "CustomResourceDefinition" and crd.text("spec.names.kind") in flux.KINDS:
            for row in crd.rows("spec.versions"):
                if row.flag("served") and row.has("schema.openAPIV3Schema"):
                    key = f"{crd.text('spec.group')}/{row.text('name')}/{crd.text('spec.names.kind')}"
                    body = row.get("schema.openAPIV3Schema")
                    digest = _digest(_to_json(body) or repr(body).encode("utf-8", "surrogatepass"))
                    yield key, _Schema(digest, body, is_structural=True)


@lru_cache(1)
def _kinds() -> tuple[str, Mapping[str, Any]]:
    content = resources.files("fluxdoctor").joinpath("schemas", "flux.json.gz").read_bytes()
    kinds: Mapping[str, Any] = orjson.loads(gzip.decompress(content))["kinds"]
    return _digest(content), kinds


def _packaged(key: str) -> _Schema | None:
    digest, kinds = _kinds()
    return _Schema(f"{digest} {key}", kinds[key]) if key in kinds else None


def _to_json(body: Any) -> bytes:
    """Encode a body as JSON; b"" if it contains a text that is not valid Unicode."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return b""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@lru_cache(256)
def _validator(schema: _Schema) -> Draft7Validator:
    from jsonschema import Draft7Validator
    from referencing import Registry

    # An empty registry: a schema must not be able to fetch another.
    return Draft7Validator(plain(schema.body) if schema.is_structural else schema.body, registry=Registry())


def _errors(checker: Draft7Validator, kind: str, body: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for error in checker.iter_errors(_without_nulls(body)):
        path = tuple(error.absolute_path)
        if _is_hidden(error.instance) or ((kind, str(path[1:2] and path[1])) in _WIDENED and error.validator == "enum"):
            continue
        yield from _messages(error, path)
    yield from _chart_errors(body)


def _chart_errors(body: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
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


def _messages(error: ValidationError, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the path and the message of each flaw in an error, in the words of the API server if it has any."""
    kind: Any = error.validator
    expected: Any = error.validator_value
    dotted = Fields({}, path).dotted
    if kind == "additionalProperties" and isinstance(error.instance, dict):
        properties = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for key in sorted(set(error.instance) - set(properties)):
            similar = difflib.get_close_matches(key, properties, 1, 0.7)
            hint = f"; did you mean {similar[0]}?" if similar else ""
            yield (*path, key), f".{Fields({}, (*path, key)).dotted}: field not declared in schema{hint}"
    elif kind == "required":
        missing = [k for k in expected if isinstance(error.instance, dict) and k not in error.instance]
        yield from ((path, f"{dotted}.{key}: Required value") for key in missing)
    elif kind == "type":
        types = [expected] if isinstance(expected, str) else expected
        yield path, f"{dotted}: must be {' or '.join(_TYPES.get(t, t) for t in types)}"
    elif kind == "enum":
        values = ", ".join(f'"{v}"' for v in expected)
        yield path, f'{dotted}: Unsupported value: "{error.instance}": supported values: {values}'
    elif kind == "pattern":
        yield path, f'{dotted}: Invalid value: "{error.instance}": should match {expected}'
    elif kind in ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "minProperties"):
        yield path, f"{dotted}: Invalid value: {kind} is {expected}"

"""Declared Flux objects against their schemas: those of the cluster's own CRDs where the repository holds them, else Flux's."""

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
    """A schema, known by its digest: what it says of an object is a function of the two."""

    digest: str
    body: Any = field(compare=False, repr=False)
    structural: bool = field(default=False, compare=False)
    """As it stands in a CRD."""


def flaws(reached: ClusterContents, kept: ContentCache) -> Schemas:
    """Validate the rendered Flux objects of a cluster; what a variable or SOPS hides is not judged.

    ``kept``: has the verdicts of other clusters and runs, by schema and object.
    """
    own = dict(_of_cluster(reached))
    found: list[SchemaFlaw] = []
    for ref, resource in sorted(reached.objects.items()):
        owners = reached.owners.get(ref)
        if not owners or ref.kind not in flux.KINDS or ref in reached.raw or resource.has("sops"):
            continue
        key = f"{resource.api_version}/{resource.text('kind')}"
        if schema := own.get(key) or _packaged(key):
            found += [SchemaFlaw(ref, owners[-1], path, why) for path, why in _verdict(schema, resource, kept)]
    return Schemas(tuple(found))


def _verdict(schema: _Schema, resource: Resource, kept: ContentCache) -> list[tuple[tuple[str | int, ...], str]]:
    body = {k: v for k, v in resource.body.items() if k != "status"}
    said = _bytes(body)
    digest = _digest(schema.digest.encode() + said) if said else ""
    held = kept.get(_AREA, digest) if digest else None
    if held is None:
        held = sorted(set(_errors(_validator(schema), resource.kind, body)), key=str)
        if digest:
            kept.put(_AREA, digest, held)
    return [(tuple(path), why) for path, why in held]


def plain(schema: Any, *, root: bool = True) -> Any:
    """Turn a structural openAPIV3 schema into a JSON schema: closed objects, as server-side apply reads them, no prose."""
    if isinstance(schema, list):
        return [plain(item, root=False) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("description", "format", "default", "nullable", "example") or key.startswith("x-kubernetes-"):
            continue
        if key == "properties":
            kept = {k: v for k, v in value.items() if not (root and k == "status")}
            made[key] = {name: plain(inner, root=False) for name, inner in kept.items()}
        else:
            made[key] = plain(value, root=False)
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    closed = "properties" in schema and "additionalProperties" not in schema
    if closed and not root and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    return made


def _of_cluster(reached: ClusterContents) -> Iterator[tuple[str, _Schema]]:
    for crd in reached.objects.values():
        if crd.kind == "CustomResourceDefinition" and crd.text("spec.names.kind") in flux.KINDS:
            for row in crd.rows("spec.versions"):
                if row.flag("served") and row.has("schema.openAPIV3Schema"):
                    key = f"{crd.text('spec.group')}/{row.text('name')}/{crd.text('spec.names.kind')}"
                    body = row.get("schema.openAPIV3Schema")
                    digest = _digest(_bytes(body) or repr(body).encode("utf-8", "surrogatepass"))
                    yield key, _Schema(digest, body, structural=True)


@lru_cache(1)
def _kinds() -> tuple[str, Mapping[str, Any]]:
    held = resources.files("fluxdoctor").joinpath("schemas", "flux.json.gz").read_bytes()
    kinds: Mapping[str, Any] = orjson.loads(gzip.decompress(held))["kinds"]
    return _digest(held), kinds


def _packaged(key: str) -> _Schema | None:
    digest, kinds = _kinds()
    return _Schema(f"{digest} {key}", kinds[key]) if key in kinds else None


def _bytes(body: Any) -> bytes:
    """Return a body as JSON, nothing where a text in it is none."""
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
    return Draft7Validator(plain(schema.body) if schema.structural else schema.body, registry=Registry())


def _errors(checker: Draft7Validator, kind: str, body: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for error in checker.iter_errors(_whole(body)):
        path = tuple(error.absolute_path)
        if _hidden(error.instance) or ((kind, str(path[1:2] and path[1])) in _WIDENED and error.validator == "enum"):
            continue
        yield from _said(error, path)
    yield from _chartless(body)


def _chartless(body: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The one rule in CEL of a HelmRelease's CRD that a slip breaks (helm-controller 1.6, api/v2)."""
    spec = body.get("spec")
    if body.get("kind") == "HelmRelease" and isinstance(spec, dict) and ("chart" in spec) == ("chartRef" in spec):
        yield ("spec",), "spec: Invalid value: either chart or chartRef must be set"


def _whole(value: Any) -> Any:
    """Drop what is null: the API server does."""
    if isinstance(value, dict):
        return {k: _whole(v) for k, v in value.items() if v is not None}
    return [_whole(v) for v in value] if isinstance(value, list) else value


def _hidden(value: Any) -> bool:
    """A variable, a placeholder of a template (REPO_PREFIX), or what SOPS has encrypted."""
    return isinstance(value, str) and (
        unknown(value) or value.startswith("ENC[") or _PLACEHOLDER.search(value) is not None
    )


def _said(error: ValidationError, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    kind: Any = error.validator
    wanted: Any = error.validator_value
    where = Fields({}, path).dotted
    if kind == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for key in sorted(set(error.instance) - set(known)):
            near = difflib.get_close_matches(key, known, 1, 0.7)
            meant = f"; did you mean {near[0]}?" if near else ""
            yield (*path, key), f".{Fields({}, (*path, key)).dotted}: field not declared in schema{meant}"
    elif kind == "required":
        missing = [k for k in wanted if isinstance(error.instance, dict) and k not in error.instance]
        yield from ((path, f"{where}.{key}: Required value") for key in missing)
    elif kind == "type":
        types = [wanted] if isinstance(wanted, str) else wanted
        yield path, f"{where}: must be {' or '.join(_TYPES.get(t, t) for t in types)}"
    elif kind == "enum":
        values = ", ".join(f'"{v}"' for v in wanted)
        yield path, f'{where}: Unsupported value: "{error.instance}": supported values: {values}'
    elif kind == "pattern":
        yield path, f'{where}: Invalid value: "{error.instance}": should match {wanted}'
    elif kind in ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "minProperties"):
        yield path, f"{where}: Invalid value: {kind} is {wanted}"

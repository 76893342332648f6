"""Declared Flux objects against their schemas: those of the cluster's own CRDs where the repository holds them, else Flux's."""

from __future__ import annotations

import difflib
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

from fluxdoctor.collect.worktree.substitute import unknown
from fluxdoctor.collect.worktree.walk import Reached
from fluxdoctor.model import flux
from fluxdoctor.model.resource import Fields, Resource
from fluxdoctor.model.schemas import Flaw, Schemas

_PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2,}_[A-Z][A-Z_]*(?![A-Za-z0-9])")
_TYPES = {"object": "a mapping", "array": "a list", "string": "a string", "integer": "a whole number",
          "number": "a number", "boolean": "true or false"}  # fmt: skip
#: flux-operator and others widen these enums of the CRDs when they install them.
_WIDENED = (("Alert", "eventSources"), ("Receiver", "resources"))


def flaws(reached: Reached) -> Schemas:
    """Validate the rendered Flux objects of a cluster; what a variable or SOPS hides is not judged."""
    own = dict(_of_cluster(reached))
    found: list[Flaw] = []
    for ref, resource in sorted(reached.objects.items()):
        owners = reached.owners.get(ref)
        key = f"{resource.api_version}/{resource.text('kind')}"
        checker = own.get(key) or _packaged(key)
        if owners and checker and ref.kind in flux.KINDS and ref not in reached.raw and not resource.has("sops"):
            for path, why in sorted(set(_errors(checker, resource)), key=str):
                found.append(Flaw(ref, owners[-1], path, why))
    return Schemas(tuple(found))


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


def _of_cluster(reached: Reached) -> Iterator[tuple[str, Draft7Validator]]:
    for crd in reached.objects.values():
        if crd.kind == "CustomResourceDefinition" and crd.text("spec.names.kind") in flux.KINDS:
            for row in crd.rows("spec.versions"):
                if row.flag("served") and row.has("schema.openAPIV3Schema"):
                    key = f"{crd.text('spec.group')}/{row.text('name')}/{crd.text('spec.names.kind')}"
                    yield key, _validator(plain(row.get("schema.openAPIV3Schema")))


@lru_cache(1)
def _kinds() -> Mapping[str, Any]:
    held = resources.files("fluxdoctor").joinpath("schemas", "flux.json.gz").read_bytes()
    kinds: Mapping[str, Any] = json.loads(gzip.decompress(held))["kinds"]
    return kinds


@lru_cache(64)
def _packaged(key: str) -> Draft7Validator | None:
    schema = _kinds().get(key)
    return _validator(schema) if schema else None


def _validator(schema: Any) -> Draft7Validator:
    # An empty registry: a schema must not be able to fetch another.
    return Draft7Validator(schema, registry=Registry())


def _errors(checker: Draft7Validator, resource: Resource) -> Iterator[tuple[tuple[str | int, ...], str]]:
    body = _whole({k: v for k, v in resource.body.items() if k != "status"})
    for error in checker.iter_errors(body):
        path = tuple(error.absolute_path)
        if _hidden(error.instance) or (
            (resource.kind, str(path[1:2] and path[1])) in _WIDENED and error.validator == "enum"
        ):
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

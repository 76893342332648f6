"""Variables of spec.postBuild: what is defined, and what manifests use."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from fluxdoctor import Build, Cluster, Ref, Resource

from ._build import is_generated

_TOKEN = re.compile(r"\$\$|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_INSIDE = re.compile(r"#?(?P<name>\w+)(?P<rest>.*)", re.S)
_DEFAULTS = ("=", ":=", ":-", ":?", ":+")
_SWITCH = "kustomize.toolkit.fluxcd.io/substitute"


@dataclass(frozen=True, slots=True)
class Use:
    """One ``${...}`` of a text: the variable, what follows its name, and whether the syntax is one that Flux reads."""

    name: str
    rest: str
    valid: bool

    @property
    def needs_value(self) -> bool:
        """Without a value it is an error in strict mode, and empty otherwise."""
        return self.valid and not self.rest.startswith(_DEFAULTS)


@lru_cache(1 << 12)
def uses(text: str) -> tuple[Use, ...]:
    """Return the variables of a text as fluxcd/pkg/envsubst reads it; $VAR, $(VAR) and $${VAR} are none."""
    return tuple(_uses(text))


def _uses(text: str) -> Iterator[Use]:
    for token in _TOKEN.finditer(text):
        inside = token["inside"]
        if inside is None:
            continue
        found = _INSIDE.fullmatch(inside)
        rest = found["rest"] if found else ""
        valid = bool(found and token["end"]) and (not rest or rest[0] in ":=,^/#%")
        yield Use(found["name"] if found else "", rest, valid)


@dataclass(frozen=True, slots=True)
class Variables:
    """What a Kustomization defines: the values that are known, and the names of those that only a Secret knows."""

    values: Mapping[str, str]
    secret: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(sorted({*self.values, *self.secret}))


def sources(kustomization: Resource) -> Iterator[tuple[Ref, str, bool]]:
    """Yield the objects of spec.postBuild.substituteFrom, the field that names each, and whether it may be absent."""
    for row in kustomization.rows("spec.postBuild.substituteFrom"):
        kind, name = row.text("kind"), row.text("name")
        if kind in ("ConfigMap", "Secret") and name:
            yield Ref(kind, kustomization.namespace, name), f"{row.dotted}.name", row.flag("optional")


def defined(kustomization: Resource, cluster: Cluster) -> Variables | None:
    """Return what is defined; None where an object of substituteFrom is out of sight, or must be there and is not."""
    values: dict[str, str] = {}
    secret: set[str] = set()
    for ref, _, optional in sources(kustomization):
        found = cluster.look(ref)
        if found.absent and optional:
            continue
        if found.resource is None:
            return None
        if ref.kind == "Secret":
            secret |= set(found.resource.keys("keys"))
        values |= {k: v.replace("\n", "") for k, v in found.resource.items("data")}
    inline = {k: v.replace("\n", "") for k, v in kustomization.items("spec.postBuild.substitute")}
    return Variables({**values, **inline}, frozenset(secret - set(inline)))


def fields(build: Build) -> Iterator[tuple[Resource, tuple[str | int, ...], str]]:
    """Yield the string fields with a variable of the objects in which Flux replaces variables; not those of Secrets."""
    for resource in build.objects:
        yield from ((resource, path, text) for path, text in resource.once("texts with a variable", _texts))


def _texts(resource: Resource) -> tuple[tuple[tuple[str | int, ...], str], ...]:
    off = "disabled" in (resource.label(_SWITCH), resource.annotation(_SWITCH))
    if off or is_generated(resource) or resource.kind == "Secret" or not _may_hold(resource.body):
        return ()
    return tuple((path[1:], text) for path, text in _below([resource.body], ()))


def _may_hold(body: Any) -> bool:
    """Few objects have a variable: the text of the whole tells it in a tenth of the time."""
    try:
        return b"${" in orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a text that is no Unicode
        return True


def _below(
    value: dict[str, Any] | Sequence[Any], path: tuple[str | int, ...]
) -> list[tuple[tuple[str | int, ...], str]]:
    """Return the texts with a variable: in lists, for every text of a fleet passes here, and few have one."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    pairs: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if isinstance(item, str):
            if "${" in item:
                found.append(((*path, key), item))
        elif isinstance(item, dict | list | tuple):
            found += _below(item, (*path, key))
    return found

"""Variables of spec.postBuild: the variables that are defined, and those that manifests use."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fluxdoctor import Build, Cluster, Ref, Resource

_TOKEN = re.compile(r"\$\$|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_INSIDE = re.compile(r"#?(?P<name>\w+)(?P<rest>.*)", re.S)
_DEFAULTS = ("=", ":=", ":-", ":?", ":+")
_SWITCH = "kustomize.toolkit.fluxcd.io/substitute"


@dataclass(frozen=True, slots=True)
class Use:
    """One ``${...}`` of a text: the variable, the text after its name, and whether Flux accepts the syntax."""

    name: str
    rest: str
    valid: bool

    @property
    def needs_value(self) -> bool:
        """A variable without a value is an error in strict mode, and empty otherwise."""
        return self.valid and not self.rest.startswith(_DEFAULTS)


@lru_cache(1 << 12)
def uses(text: str) -> tuple[Use, ...]:
    """Return the variables of a text as fluxcd/pkg/envsubst parses it; $VAR, $(VAR) and $${VAR} are not variables."""
    return tuple(_uses(text))


def _uses(text: str) -> Iterator[Use]:
    for token in _TOKEN.finditer(text):
        inside = token["inside"]
        if inside is None:
            continue
        match = _INSIDE.fullmatch(inside)
        rest = match["rest"] if match else ""
        is_valid = bool(match and token["end"]) and (not rest or rest[0] in ":=,^/#%")
        yield Use(match["name"] if match else "", rest, is_valid)


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables that a Kustomization defines: the visible values, and the names of those whose value is in a Secret."""

    values: Mapping[str, str]
    secret: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted({*self.values, *self.secret}))


def sources(kustomization: Resource) -> Iterator[tuple[Ref, str, bool]]:
    """Yield the objects of spec.postBuild.substituteFrom, the field that names each, and whether it is optional."""
    for row in kustomization.rows("spec.postBuild.substituteFrom"):
        kind, name = row.text("kind"), row.text("name")
        if kind in ("ConfigMap", "Secret") and name:
            yield Ref(kind, kustomization.namespace, name), f"{row.dotted}.name", row.flag("optional")


def defined(kustomization: Resource, cluster: Cluster) -> Variables | None:
    """Return the defined variables; None if an object of substituteFrom is not visible, or is required and missing."""
    values: dict[str, str] = {}
    secret: set[str] = set()
    for ref, _, optional in sources(kustomization):
        lookup = cluster.look(ref)
        if lookup.absent and optional:
            continue
        if lookup.resource is None:
            return None
        if ref.kind == "Secret":
            secret |= set(lookup.resource.keys("keys"))
        values |= {k: v.replace("\n", "") for k, v in lookup.resource.items("data")}
    inline = {k: v.replace("\n", "") for k, v in kustomization.items("spec.postBuild.substitute")}
    return Variables({**values, **inline}, frozenset(secret - set(inline)))


def fields(build: Build) -> Iterator[tuple[Resource, tuple[str | int, ...], str]]:
    """Yield the string fields with a variable, of the objects in which Flux replaces variables, except Secrets."""
    for resource in build.objects:
        yield from ((resource, path, text) for path, text in resource.memo(_texts))


def _texts(resource: Resource) -> tuple[tuple[tuple[str | int, ...], str], ...]:
    is_disabled = "disabled" in (resource.label(_SWITCH), resource.annotation(_SWITCH))
    if is_disabled or is_generated(resource) or resource.kind == "Secret" or not _may_hold(resource.body):
        return ()
    return tuple((path[1:], text) for path, text in _below([resource.body], ()))


def _may_hold(body: Any) -> bool:
    """Tell whether an object can have a variable; much faster than a search of its fields, and few objects have one."""
    return "${" in repr(body)


def _below(
    value: dict[str, Any] | Sequence[Any], path: tuple[str | int, ...]
) -> list[tuple[tuple[str | int, ...], str]]:
    """Return the texts with a variable and their paths; lists, because this function reads every text of a fleet."""
    texts: list[tuple[tuple[str | int, ...], str]] = []
    pairs: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if isinstance(item, str):
            if "${" in item:
                texts.append(((*path, key), item))
        elif isinstance(item, dict | list | tuple):
            texts += _below(item, (*path, key))
    return texts


def is_generated(resource: Resource) -> bool:
    """Tell whether a generator of a kustomization file creates an object: its content is then unknown."""
    return resource.annotation("kustomize.config.k8s.io/generated") == "true"

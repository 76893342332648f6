"""The origin of the values of a release."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fluxdoctor import Cluster, Graph, Location, Manifests, Ref, Resource

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Setting:
    """The field of the HelmRelease that provides a value, words for it, and its location in git if available."""

    field: str
    words: str
    location: Location | None = None


def key_location(
    source: Resource, key: str, graph: Graph, manifests: Manifests | None, at: int | Path = ()
) -> Location | None:
    """Return the location in git of a key of a ConfigMap or Secret.

    ``at`` is a line within the key's text (from 1), or the path of a value in it.
    """
    origin = manifests.generated_from(source, key, graph.parent(source)) if manifests else None
    line = at if isinstance(at, int) else _line(source.text(("data", key)), str(at[-1])) if at else 0
    if origin is not None:
        return (origin.at(at) if isinstance(at, tuple) and at else None) or Location(origin.file, max(line, 1))
    declared = manifests.definition(source.ref, graph.parent(source)) if manifests else None
    place = declared.at(("data", key)) if declared else None
    if declared is None or place is None:
        return None
    # A block scalar begins on the line below its key; in git, a generated ConfigMap has no such key.
    is_block = ("data", key) in declared.marks and "\n" in declared.text(("data", key))
    return Location(place.file, place.line + line) if is_block and line else place


def setting(release: Resource, path: Path, cluster: Cluster, graph: Graph, manifests: Manifests | None) -> Setting:
    """Return what sets a value.

    spec.values overrides spec.valuesFrom, and a later entry an earlier one (fluxcd/pkg/chartutil).
    """
    if path and release.has(("spec", "values", *path)):
        field = ".".join(map(str, ("spec.values", *path)))
        return Setting(field, field)
    for row in reversed(release.rows("spec.valuesFrom")):
        source = cluster.get(Ref(row.text("kind"), release.namespace, row.text("name")))
        key = row.text("valuesKey") or "values.yaml"
        line = _line(source.text(("data", key)), str(path[-1])) if source and path else 0
        if source and line:
            words = f"key {key} of {source.ref}"
            return Setting(row.dotted, words, key_location(source, key, graph, manifests, path))
    return Setting("spec.values", "spec.values or spec.valuesFrom")


def _line(text: str, name: str) -> int:
    """Return the line of a YAML text (from 1) that sets a key; 0 if none does."""
    key = re.compile(rf"[\s-]*['\"]?{re.escape(name)}['\"]?\s*:")
    return next((n for n, line in enumerate(text.splitlines(), 1) if key.match(line)), 0)


def field_with(release: Resource, literal: str) -> str:
    """Return the only field of spec.values that has the value in an API server's message; "" if none or several have."""
    try:
        value = json.loads(literal)
    except ValueError:
        return ""
    fields = [field for field, leaf in _leaves(release.get("spec.values"), "spec.values") if leaf == value]
    return fields[0] if len(fields) == 1 and not isinstance(value, bool | None) else ""


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key in value:
            yield from _leaves(value[key], f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _leaves(item, f"{path}[{i}]")
    else:
        yield path, value

"""The values that a HelmRelease gives its chart, merged as helm-controller and Helm do, or why they are not known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fluxdoctor.intake import documents
from fluxdoctor.intake.redact import MASK
from fluxdoctor.model.charts import Chart
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.resource import Fields, Ref, Resource

Values = dict[str, Any]

#: A variable of spec.postBuild, a template's action, a value that SOPS has encrypted.
_OPEN = re.compile(r"\$\{|\{\{|ENC\[")


class UnknownValuesError(Exception):
    """Why the values are not known, without any of them."""


def of_release(release: Resource, cluster: Cluster) -> Values:
    """Merge spec.valuesFrom in its order and spec.values over them (fluxcd/pkg/chartutil). Raises UnknownValuesError."""
    merged: Values = {}
    for row in release.rows("spec.valuesFrom"):
        merged = over(merged, _from(row, release, cluster))
    merged = over(merged, own(release))
    if any(isinstance(leaf, str) and MASK in leaf for leaf in _leaves(merged)):
        raise UnknownValuesError("a value was redacted")
    return merged


def own(release: Resource) -> Values:
    """Return what spec.values sets: it is merged last, so it is in the values whatever spec.valuesFrom holds."""
    inline = release.get("spec.values")
    return inline if isinstance(inline, dict) else {}


def is_open(value: Any) -> bool:
    """Tell whether a value, or one in it, holds what is filled in later: a variable, a ciphertext, a template."""
    if isinstance(value, dict):
        return any(_OPEN.search(str(key)) or is_open(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(map(is_open, value))
    return isinstance(value, str) and (MASK in value or _OPEN.search(value) is not None)


def is_settled(own: Values, path: Sequence[str | int]) -> bool:
    """Tell whether what spec.values has at a path is all that there will be, whatever is merged below it.

    Mappings are merged, so something may come to them; a list or a single value stays; a null may take a default away.
    """
    view = Fields(own)
    value = view.get(tuple(path))
    whole = not isinstance(value, dict) or any(isinstance(view.get(tuple(path[:i])), list) for i in range(1, len(path)))
    return whole and value is not None and not is_open(value)


def _from(row: Fields, release: Resource, cluster: Cluster) -> Values:
    ref = Ref(row.text("kind"), release.namespace, row.text("name"))
    key = row.text("valuesKey", "values.yaml")
    if ref.kind != "ConfigMap":
        raise UnknownValuesError(f"{ref} holds a part of the values, and what is in it is not read")
    if row.text("targetPath"):
        raise UnknownValuesError(f"{row.dotted} sets one value by a path")
    found = cluster.look(ref)
    if found.unknown:
        raise UnknownValuesError(found.why)
    if found.resource is None or not found.resource.has(("data", key)):
        if row.flag("optional"):
            return {}
        raise UnknownValuesError(f"{ref} has no {key}" if found.resource else f"{ref} does not exist")
    try:
        values = documents.load(found.resource.text(("data", key)), str(ref))
    except documents.YamlError as error:
        raise UnknownValuesError(f"line {error.line} of {key} in {ref} is not YAML") from None
    return values if isinstance(values, dict) else {}


def over(base: Values, more: Mapping[str, Any]) -> Values:
    """Put a mapping over another: mappings are merged, anything else is replaced (fluxcd/pkg/runtime/transform.MergeMaps)."""
    merged = dict(base)
    for key, value in more.items():
        old = merged.get(key)
        merged[key] = over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def variants(chart: Chart, values: Values) -> list[Values]:
    """Fill in the chart's defaults as Helm does, in each way that is possible: what all have in common is certain.

    Versions of Helm differ in whether a null that deletes no default stays, and a subchart may be switched off.
    """
    whole = {sub.name for sub in chart.subcharts}
    always = {name for name in whole if not conditional(chart, name)}
    found = [_filled(chart, values, names, nulls=nulls) for names in (whole, always) for nulls in (True, False)]
    return [one for i, one in enumerate(found) if one not in found[:i]]


def conditional(chart: Chart, subchart: str) -> bool:
    """Tell whether a subchart may be switched off, or is known by another name."""
    rows = [row for row in chart.metadata.rows("dependencies") if row.text("name") == subchart]
    return any(row.has("condition") or row.has("tags") or row.has("alias") for row in rows)


def imports(chart: Chart) -> bool:
    """Tell whether a chart takes values from its subcharts, which changes the values before they are judged."""
    return any(row.has("import-values") for row in chart.metadata.rows("dependencies"))


def _filled(chart: Chart, values: Values, subcharts: set[str], *, nulls: bool) -> Values:
    """Merge defaults below values (helm/pkg/chartutil, coalesceValues); a null takes a default away."""
    merged = _coalesced(values, chart.values, nulls=nulls)
    for sub in chart.subcharts:
        own = merged.get(sub.name, {})
        if sub.name in subcharts and isinstance(own, dict):
            own = _with_globals(own, merged.get("global"))
            merged[sub.name] = _filled(sub, own, {inner.name for inner in sub.subcharts}, nulls=nulls)
    return merged


def _with_globals(inner: Values, shared: Any) -> Values:
    """A chart's global values are its subcharts' too, and go before theirs (helm/pkg/chart/common/util, coalesceGlobals)."""
    below = inner.get("global", {})
    if not isinstance(shared, dict) or not shared or not isinstance(below, dict):
        return inner
    return {**inner, "global": over(below, shared)}


def _coalesced(values: Values, defaults: Mapping[str, Any], *, nulls: bool) -> Values:
    merged: Values = {}
    for key, value in values.items():
        default = defaults.get(key)
        if value is None and (key in defaults or not nulls):
            continue
        if isinstance(value, dict):
            merged[key] = _coalesced(value, default if isinstance(default, dict) else {}, nulls=nulls)
        else:
            merged[key] = value
    return {**{k: v for k, v in defaults.items() if k not in values and (nulls or v is not None)}, **merged}


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value

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
_UNRESOLVED = re.compile(r"\$\{|\{\{|ENC\[")


class UnknownValuesError(Exception):
    """Why the values are not known, without any of them."""


def release_values(release: Resource, cluster: Cluster) -> Values:
    """Merge spec.valuesFrom in its order and spec.values over them (fluxcd/pkg/chartutil). Raises UnknownValuesError."""
    merged: Values = {}
    for row in release.rows("spec.valuesFrom"):
        merged = merge_maps(merged, _referenced_values(row, release, cluster))
    merged = merge_maps(merged, inline_values(release))
    if any(isinstance(leaf, str) and MASK in leaf for leaf in _leaves(merged)):
        raise UnknownValuesError("a value was redacted")
    return merged


def inline_values(release: Resource) -> Values:
    """Return what spec.values sets: it is merged last, so it is in the values whatever spec.valuesFrom holds."""
    inline = release.get("spec.values")
    return inline if isinstance(inline, dict) else {}


def is_open(value: Any) -> bool:
    """Tell whether a value, or one in it, holds what is filled in later: a variable, a ciphertext, a template."""
    if isinstance(value, dict):
        return any(_UNRESOLVED.search(str(key)) or is_open(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(map(is_open, value))
    return isinstance(value, str) and (MASK in value or _UNRESOLVED.search(value) is not None)


def is_settled(inline: Values, path: Sequence[str | int]) -> bool:
    """Tell whether what spec.values has at a path is all that there will be, whatever is merged below it.

    Mappings are merged, so something may come to them; a list or a single value stays; a null may take a default away.
    """
    view = Fields(inline)
    value = view.get(tuple(path))
    is_replaced = not isinstance(value, dict) or any(
        isinstance(view.get(tuple(path[:i])), list) for i in range(1, len(path))
    )
    return is_replaced and value is not None and not is_open(value)


def _referenced_values(row: Fields, release: Resource, cluster: Cluster) -> Values:
    ref = Ref(row.text("kind"), release.namespace, row.text("name"))
    key = row.text("valuesKey", "values.yaml")
    if ref.kind != "ConfigMap":
        raise UnknownValuesError(f"{ref} holds a part of the values, and what is in it is not read")
    if row.text("targetPath"):
        raise UnknownValuesError(f"{row.dotted} sets one value by a path")
    lookup = cluster.look(ref)
    if lookup.unknown:
        raise UnknownValuesError(lookup.why)
    if lookup.resource is None or not lookup.resource.has(("data", key)):
        if row.flag("optional"):
            return {}
        raise UnknownValuesError(f"{ref} has no {key}" if lookup.resource else f"{ref} does not exist")
    try:
        values = documents.load(lookup.resource.text(("data", key)), str(ref))
    except documents.YamlError as error:
        raise UnknownValuesError(f"line {error.line} of {key} in {ref} is not YAML") from None
    return values if isinstance(values, dict) else {}


def merge_maps(base: Values, overlay: Mapping[str, Any]) -> Values:
    """Put a mapping over another: mappings are merged, anything else is replaced (fluxcd/pkg/runtime/transform.MergeMaps)."""
    merged = dict(base)
    for key, value in overlay.items():
        current = merged.get(key)
        merged[key] = merge_maps(current, value) if isinstance(current, dict) and isinstance(value, dict) else value
    return merged


def variants(chart: Chart, values: Values) -> list[Values]:
    """Fill in the chart's defaults as Helm does, in each way that is possible: what all have in common is certain.

    Versions of Helm differ in whether a null that deletes no default stays, and a subchart may be switched off.
    """
    subcharts = {sub.name for sub in chart.subcharts}
    required = {name for name in subcharts if not is_optional_subchart(chart, name)}
    candidates = [
        _fill_defaults(chart, values, names, nulls=nulls) for names in (subcharts, required) for nulls in (True, False)
    ]
    return [candidate for i, candidate in enumerate(candidates) if candidate not in candidates[:i]]


def is_optional_subchart(chart: Chart, subchart: str) -> bool:
    """Tell whether a subchart may be switched off, or is known by another name."""
    rows = [row for row in chart.metadata.rows("dependencies") if row.text("name") == subchart]
    return any(row.has("condition") or row.has("tags") or row.has("alias") for row in rows)


def imports_values(chart: Chart) -> bool:
    """Tell whether a chart takes values from its subcharts, which changes the values before they are judged."""
    return any(row.has("import-values") for row in chart.metadata.rows("dependencies"))


def _fill_defaults(chart: Chart, values: Values, subcharts: set[str], *, nulls: bool) -> Values:
    """Merge defaults below values (helm/pkg/chartutil, coalesceValues); a null takes a default away."""
    merged = _coalesce(values, chart.values, nulls=nulls)
    for subchart in chart.subcharts:
        subchart_values = merged.get(subchart.name, {})
        if subchart.name in subcharts and isinstance(subchart_values, dict):
            subchart_values = _with_globals(subchart_values, merged.get("global"))
            merged[subchart.name] = _fill_defaults(
                subchart, subchart_values, {inner.name for inner in subchart.subcharts}, nulls=nulls
            )
    return merged


def _with_globals(subchart_values: Values, parent_globals: Any) -> Values:
    """A chart's global values are its subcharts' too, and go before theirs (helm/pkg/chart/common/util, coalesceGlobals)."""
    own_globals = subchart_values.get("global", {})
    if not isinstance(parent_globals, dict) or not parent_globals or not isinstance(own_globals, dict):
        return subchart_values
    return {**subchart_values, "global": merge_maps(own_globals, parent_globals)}


def _coalesce(values: Values, defaults: Mapping[str, Any], *, nulls: bool) -> Values:
    merged: Values = {}
    for key, value in values.items():
        default = defaults.get(key)
        if value is None and (key in defaults or not nulls):
            continue
        if isinstance(value, dict):
            merged[key] = _coalesce(value, default if isinstance(default, dict) else {}, nulls=nulls)
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

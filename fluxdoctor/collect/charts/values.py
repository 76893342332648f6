"""Merges the values of a HelmRelease as helm-controller and Helm do, and the defaults of the chart below them."""

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

#: A variable of spec.postBuild, an action of a template, or a value that SOPS has encrypted.
_UNRESOLVED = re.compile(r"\$\{|\{\{|ENC\[")


class UnknownValuesError(Exception):
    """The values are unknown; the text says why, without any value."""


def release_values(release: Resource, cluster: Cluster) -> Values:
    """Merge spec.valuesFrom in order, and spec.values over them (fluxcd/pkg/chartutil).

    Raises UnknownValuesError if a part of the values is unknown.
    """
    merged: Values = {}
    for row in release.rows("spec.valuesFrom"):
        merged = merge_maps(merged, _referenced_values(row, release, cluster))
    merged = merge_maps(merged, inline_values(release))
    if any(isinstance(leaf, str) and MASK in leaf for leaf in _leaves(merged)):
        raise UnknownValuesError("a value was redacted")
    return merged


def inline_values(release: Resource) -> Values:
    """Return spec.values. It is merged last, so it is part of the values whatever spec.valuesFrom contains."""
    inline = release.get("spec.values")
    return inline if isinstance(inline, dict) else {}


def is_open(value: Any) -> bool:
    """Tell whether a value, or one inside it, is replaced later: a variable, a ciphertext or a template."""
    if isinstance(value, dict):
        return any(_UNRESOLVED.search(str(key)) or is_open(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(map(is_open, value))
    return isinstance(value, str) and (MASK in value or _UNRESOLVED.search(value) is not None)


def is_settled(inline: Values, path: Sequence[str | int]) -> bool:
    """Tell whether the value of spec.values at a path is final, whatever is merged below it.

    A mapping is merged, so it may get more entries. A list or a single value is final. A null may remove a default.
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
        raise UnknownValuesError(f"{ref} contains part of the values, and its data is not read")
    if row.text("targetPath"):
        raise UnknownValuesError(f"{row.dotted} sets a single value by targetPath")
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
    """Merge a mapping over another: mappings are merged, other values replaced (fluxcd/pkg/runtime/transform.MergeMaps)."""
    merged = dict(base)
    for key, value in overlay.items():
        current = merged.get(key)
        merged[key] = merge_maps(current, value) if isinstance(current, dict) and isinstance(value, dict) else value
    return merged


def variants(chart: Chart, values: Values) -> list[Values]:
    """Merge the chart's defaults as Helm does, in every possible way. What all variants have in common is certain.

    Versions of Helm differ in whether a null without a default is kept, and a subchart may be disabled.
    """
    subcharts = {sub.name for sub in chart.subcharts}
    required = {name for name in subcharts if not is_optional_subchart(chart, name)}
    candidates = [
        _fill_defaults(chart, values, names, nulls=nulls) for names in (subcharts, required) for nulls in (True, False)
    ]
    return [candidate for i, candidate in enumerate(candidates) if candidate not in candidates[:i]]


def is_optional_subchart(chart: Chart, subchart: str) -> bool:
    """Tell whether a subchart may be disabled or has an alias."""
    rows = [row for row in chart.metadata.rows("dependencies") if row.text("name") == subchart]
    return any(row.has("condition") or row.has("tags") or row.has("alias") for row in rows)


def imports_values(chart: Chart) -> bool:
    """Tell whether a chart imports values from its subcharts, which changes the values before they are validated."""
    return any(row.has("import-values") for row in chart.metadata.rows("dependencies"))


def _fill_defaults(chart: Chart, values: Values, subcharts: set[str], *, nulls: bool) -> Values:
    """Merge defaults below values (helm/pkg/chartutil, coalesceValues); a null removes a default."""
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
    """Merge the global values of the parent over those of a subchart (helm/pkg/chart/common/util, coalesceGlobals)."""
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

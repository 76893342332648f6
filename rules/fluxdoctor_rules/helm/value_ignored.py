"""A value that nothing in the chart reads."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from fluxdoctor import Charts, Cluster, GitTrees, Problem, Resource
from fluxdoctor_rules.helm._source import Archived, Chart, Path, chart_spec, charts, mentioned, pulled

_NEAR = 0.7


def check(cluster: Cluster, git: GitTrees | None, archives: Charts | None) -> Iterator[Problem]:
    """Look every key of spec.values up in the chart's own values and in its templates."""
    for release, chart in charts(cluster, git) if git else ():
        yield from _judged(release, chart, _known(chart, _values_files(cluster, release)), f"./{chart.path}")
    for release, packed in pulled(cluster, archives) if archives else ():
        # Files that stand in for values.yaml are not kept of an archive.
        if not _values_files(cluster, release):
            yield from _judged(release, packed, packed.values, packed.path)


def _judged(release: Resource, chart: Chart | Archived, known: Mapping[str, Any], where: str) -> Iterator[Problem]:
    values = release.get("spec.values")
    if not isinstance(values, dict) or not _is_plain(chart):
        return
    # A value may itself be a template that reads others.
    read = chart.mentions | frozenset(mentioned(str(values)))
    for path in _unread((), values, known, chart, read) if () not in read else ():
        yield _problem(release, chart, path, known, where)


def _is_plain(chart: Chart | Archived) -> bool:
    """Charts whose templates hand on all values, or that import some from another chart, read what cannot be told."""
    imports = any(row.has("import-values") for row in chart.dependencies)
    library = chart.about is None or chart.about.text("type") == "library"
    return bool(chart.mentions) and () not in chart.mentions and chart.is_whole and not imports and not library


def _values_files(cluster: Cluster, release: Resource) -> tuple[str, ...]:
    return chart_spec(cluster, release).strings("valuesFiles")


def _known(chart: Chart, files: tuple[str, ...]) -> dict[str, Any]:
    """Return the default values: those of values.yaml and of valuesFiles."""
    found: dict[str, Any] = {}
    _merge(found, chart.values)
    # valuesFiles are paths from the root of the source (source-controller 1.9).
    documents = [d for f in files if chart.tree.is_file(f) for d in chart.tree.parsed(f).documents[:1]]
    for document in documents:
        if isinstance(document.body, dict):
            _merge(found, document.body)
    return found


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(into.get(key), dict) and isinstance(value, dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _unread(
    at: Path, values: Mapping[str, Any], known: Mapping[str, Any], chart: Chart | Archived, read: frozenset[Path]
) -> Iterator[Path]:
    for key, value in values.items():
        path = (*at, str(key))
        default = known.get(str(key))
        if len(path) == 1 and _is_passed_on(str(key), chart):
            continue
        if str(key) in known:
            if isinstance(value, dict) and isinstance(default, dict) and default:
                yield from _unread(path, value, default, chart, read)
        elif not any(_meets(path, mention) for mention in read):
            yield path


def _is_passed_on(key: str, chart: Chart | Archived) -> bool:
    names = {name for row in chart.dependencies for name in (row.text("name"), row.text("alias"))}
    switches = {
        part.strip().split(".")[0]
        for row in chart.dependencies
        for part in row.text("condition").split(",")
        if row.has("condition")
    }
    return key in ("global", "tags") or key in names | switches or chart.holds(key)


def _meets(path: Path, mention: Path) -> bool:
    short = min(len(path), len(mention))
    return path[:short] == mention[:short]


def _problem(release: Resource, chart: Chart | Archived, path: Path, known: Mapping[str, Any], where: str) -> Problem:
    hint, instead = _meant(release, chart, path, known)
    field = ".".join(("spec.values", *path))
    facts = {"field": field, "where": where, "hint": hint, "instead": instead}
    return Problem(release.ref, facts, field=field, key=field)


def _meant(release: Resource, chart: Chart | Archived, path: Path, known: Mapping[str, Any]) -> tuple[str, str]:
    inside = release.get(("spec", "values", *path))
    if len(path) == 1 and isinstance(inside, dict) and inside and set(inside) <= set(known):
        return "; what it holds is known one level higher", "take its content one level up"
    for row in chart.dependencies:
        sub = chart.subchart(row.text("name"))
        if sub and path[0] in sub.values:
            name = row.text("alias") or row.text("name")
            return f"; chart {name} that it contains knows it", f"put it below {name}"
    siblings = known
    for part in path[:-1]:
        siblings = siblings.get(part, {}) if isinstance(siblings.get(part), dict) else {}
    near = difflib.get_close_matches(path[-1], [str(k) for k in siblings], 1, _NEAR)
    if near:
        return f"; {near[0]} may be meant", f"rename it to {near[0]}"
    places = [".".join(p) for p in _paths((), known) if p[-1] == path[-1]]
    if places:
        return f"; the chart has {places[0]}", f"move it to {places[0]}"
    return "", "remove it"


def _paths(at: Path, known: Mapping[str, Any]) -> Iterator[Path]:
    for key, value in known.items():
        yield (*at, str(key))
        if isinstance(value, dict):
            yield from _paths((*at, str(key)), value)

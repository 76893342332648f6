"""A value that no template of the chart uses."""

from collections.abc import Iterator, Mapping
from typing import Any

from fluxdoctor import Charts, Cluster, GitTrees, Problem, Resource, nearest, suggestion
from fluxdoctor_rules.helm._source import Archived, Chart, Path, chart_spec, charts, mentioned, pulled


def check(cluster: Cluster, git: GitTrees | None, archives: Charts | None) -> Iterator[Problem]:
    """Report each key of spec.values that is neither in the default values nor used by a template."""
    for release, chart in charts(cluster, git) if git else ():
        defaults = _defaults(chart, _values_files(cluster, release))
        yield from _problems(release, chart, defaults, f"./{chart.path}")
    for release, archive in pulled(cluster, archives) if archives else ():
        # An archive is read without the files that replace values.yaml.
        if not _values_files(cluster, release):
            yield from _problems(release, archive, archive.values, archive.path)


def _problems(release: Resource, chart: Chart | Archived, defaults: Mapping[str, Any], label: str) -> Iterator[Problem]:
    values = release.get("spec.values")
    if not isinstance(values, dict) or not _is_plain(chart):
        return
    # A value can itself be a template that uses other values.
    mentions = chart.mentions | frozenset(mentioned(str(values)))
    for path in _unused((), values, defaults, chart, mentions) if () not in mentions else ():
        yield _problem(release, chart, path, defaults, label)


def _is_plain(chart: Chart | Archived) -> bool:
    """Tell whether the used values are known: no template passes on all values, and no value is imported from a subchart."""
    imports = any(row.has("import-values") for row in chart.dependencies)
    library = chart.about is None or chart.about.text("type") == "library"
    return bool(chart.mentions) and () not in chart.mentions and chart.is_whole and not imports and not library


def _values_files(cluster: Cluster, release: Resource) -> tuple[str, ...]:
    return chart_spec(cluster, release).strings("valuesFiles")


def _defaults(chart: Chart, files: tuple[str, ...]) -> dict[str, Any]:
    """Return the default values of values.yaml, merged with those of valuesFiles."""
    defaults: dict[str, Any] = {}
    _merge(defaults, chart.values)
    # valuesFiles are paths from the root of the source (source-controller 1.9).
    documents = [d for f in files if chart.tree.is_file(f) for d in chart.tree.parsed(f).documents[:1]]
    for document in documents:
        if isinstance(document.body, dict):
            _merge(defaults, document.body)
    return defaults


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(into.get(key), dict) and isinstance(value, dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _unused(
    at: Path, values: Mapping[str, Any], defaults: Mapping[str, Any], chart: Chart | Archived, mentions: frozenset[Path]
) -> Iterator[Path]:
    """Yield the paths of values that have no default and that no template mentions."""
    for key, value in values.items():
        path = (*at, str(key))
        default = defaults.get(str(key))
        if len(path) == 1 and _is_passed_on(str(key), chart):
            continue
        if str(key) in defaults:
            if isinstance(value, dict) and isinstance(default, dict) and default:
                yield from _unused(path, value, default, chart, mentions)
        elif not any(_overlaps(path, mention) for mention in mentions):
            yield path


def _is_passed_on(key: str, chart: Chart | Archived) -> bool:
    """Tell whether a top-level key is for subcharts, or a condition that enables one."""
    names = {name for row in chart.dependencies for name in (row.text("name"), row.text("alias"))}
    switches = {
        part.strip().split(".")[0]
        for row in chart.dependencies
        for part in row.text("condition").split(",")
        if row.has("condition")
    }
    return key in ("global", "tags") or key in names | switches or chart.holds(key)


def _overlaps(path: Path, mention: Path) -> bool:
    short = min(len(path), len(mention))
    return path[:short] == mention[:short]


def _problem(
    release: Resource, chart: Chart | Archived, path: Path, defaults: Mapping[str, Any], label: str
) -> Problem:
    hint, instead = _correction(release, chart, path, defaults)
    field = ".".join(("spec.values", *path))
    facts = {"field": field, "where": label, "hint": hint, "instead": instead}
    return Problem(release.ref, facts, field=field, key=field)


def _correction(release: Resource, chart: Chart | Archived, path: Path, defaults: Mapping[str, Any]) -> tuple[str, str]:
    """Return a hint for the message and an instruction for the fix."""
    content = release.get(("spec", "values", *path))
    if len(path) == 1 and isinstance(content, dict) and content and set(content) <= set(defaults):
        return "; the chart expects its content one level higher", "move its content one level up"
    for row in chart.dependencies:
        sub = chart.subchart(row.text("name"))
        if sub and path[0] in sub.values:
            name = row.text("alias") or row.text("name")
            return f"; subchart {name} has this value", f"move it below {name}"
    siblings = defaults
    for part in path[:-1]:
        siblings = siblings.get(part, {}) if isinstance(siblings.get(part), dict) else {}
    similar = nearest(path[-1], map(str, siblings))
    if similar:
        return suggestion(similar), f"rename it to {' or '.join(similar)}"
    paths = [".".join(p) for p in _paths((), defaults) if p[-1] == path[-1]]
    if paths:
        return suggestion(paths[:1]), f"move it to {paths[0]}"
    return "", "remove it"


def _paths(at: Path, values: Mapping[str, Any]) -> Iterator[Path]:
    for key, value in values.items():
        yield (*at, str(key))
        if isinstance(value, dict):
            yield from _paths((*at, str(key)), value)

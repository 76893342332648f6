"""Validates the values of HelmReleases that are not ready by the JSON schemas of their charts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fluxdoctor.collect.charts import schema_process, values
from fluxdoctor.collect.charts.values import UnknownValuesError, Values
from fluxdoctor.model import flux
from fluxdoctor.model.charts import Archive, Chart, ValuesFlaw, ValuesVerdict, in_use, referred
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import State
from fluxdoctor.model.resource import Fields, Ref, Resource

_SCHEMA_ERROR = "the specifications of the schema"


def archives_to_check(cluster: Cluster) -> dict[Ref, Archive]:
    """Return the chart of each HelmRelease whose values a schema may reject, see untried()."""
    archives: dict[Ref, Archive] = {}
    for release in untried(cluster):
        if archive := in_use(release, cluster):
            archives[release.ref] = archive
    return archives


def untried(cluster: Cluster) -> Iterator[Resource]:
    """Yield the HelmReleases whose values a schema may reject: never tried, or failed with an error about the schema."""
    yield from (release for release in cluster.all("HelmRelease") if _may_fail_schema(release))


def _may_fail_schema(release: Resource) -> bool:
    if any(release.flag(f"spec.{action}.disableSchemaValidation") for action in ("install", "upgrade")):
        return False
    has_schema_error = any(_SCHEMA_ERROR in c.message for c in release.conditions)
    return flux.state(release) is State.NEW or (has_schema_error and flux.state(release) is not State.READY)


def _replaces_values(release: Resource, cluster: Cluster) -> str:
    """Return the field that replaces the chart's default values, "" if there is none."""
    if release.get("spec.chart.spec.valuesFiles"):
        return "spec.chart.spec.valuesFiles"
    chart = referred(release, cluster)
    replaced = chart is not None and chart.kind == "HelmChart" and chart.get("spec.valuesFiles")
    return "spec.valuesFiles of the HelmChart" if replaced else ""


def judge(cluster: Cluster, charts: Mapping[Archive, Chart]) -> dict[Ref, ValuesVerdict]:
    """Validate the values of the releases whose charts were pulled."""
    release_charts = {ref: charts[archive] for ref, archive in archives_to_check(cluster).items() if archive in charts}
    return of(cluster, {ref: PartialChart(chart) for ref, chart in release_charts.items()})


@dataclass(frozen=True)
class PartialChart:
    """The chart of a release. ``why``: the reason why some of its defaults are unknown; "" if all are known."""

    chart: Chart
    why: str = ""


def of(cluster: Cluster, charts: Mapping[Ref, PartialChart]) -> dict[Ref, ValuesVerdict]:
    """Validate the values of releases by their charts. Raises nothing; the verdict of a slow schema is unknown.

    If part of the values is unknown, spec.values itself is still validated, because it is merged last.
    """
    verdicts: dict[Ref, ValuesVerdict] = {}
    questions: list[_ValuesQuestion] = []
    for ref, partial in charts.items():
        release = cluster.get(ref)
        if release is None or not (schema_questions := list(_schema_questions(ref, partial.chart))):
            continue
        try:
            release_values, why = _known_values(release, cluster, partial)
            questions += [
                q
                for question in schema_questions
                for q in question.with_values(partial.chart, release_values, partly=bool(why))
            ]
            verdicts[ref] = ValuesVerdict(why=why)
        except UnknownValuesError as error:
            verdicts[ref] = ValuesVerdict(why=str(error))
        except RecursionError:
            verdicts[ref] = ValuesVerdict(why="its values are nested too deeply")
    for question, answer in zip(questions, schema_process.ask([question.line for question in questions]), strict=True):
        verdicts[question.release] = _add_answer(verdicts[question.release], question, answer)
    return verdicts


def _known_values(release: Resource, cluster: Cluster, partial: PartialChart) -> tuple[Values, str]:
    """Return the values of a release and "", or only spec.values and the reason why other values are unknown."""
    inline = values.inline_values(release)
    field = _replaces_values(release, cluster)
    why = partial.why or (f"{field} replaces the default values of the chart" if field else "")
    if why:
        return inline, why
    try:
        merged = values.release_values(release, cluster)
    except UnknownValuesError as error:
        return inline, str(error)
    return (inline, "a value contains an unresolved variable") if values.is_open(merged) else (merged, "")


@dataclass(frozen=True)
class _ValuesQuestion:
    """The schema of a chart or subchart, and the release to validate. ``path``: the path of its values."""

    release: Ref
    chart: Chart
    path: tuple[str, ...]
    line: str = ""
    """The question as a line for the worker."""
    inline_values: Values | None = None
    """spec.values, if only that is validated."""

    def with_values(self, root: Chart, release_values: Values, *, partly: bool) -> Iterator[_ValuesQuestion]:
        """Yield the question with the values at its path; nothing if Helm has no values there."""
        if values.imports_values(root):
            raise UnknownValuesError("the chart imports values from its subcharts")
        variants = [release_values] if partly else values.variants(root, release_values)
        sections = [Fields(variant).get(self.path) for variant in variants]
        if all(isinstance(section, dict) for section in sections):
            line = json.dumps({"schema": self.chart.schema, "values": sections, "partly": partly})
            yield _ValuesQuestion(self.release, self.chart, self.path, line, release_values if partly else None)


def _schema_questions(release: Ref, chart: Chart, path: tuple[str, ...] = ()) -> Iterator[_ValuesQuestion]:
    if chart.schema:
        yield _ValuesQuestion(release, chart, path)
    for sub in chart.subcharts:
        if not values.is_optional_subchart(chart, sub.name):
            yield from _schema_questions(release, sub, (*path, sub.name))


def _add_answer(verdict: ValuesVerdict, question: _ValuesQuestion, answer: Mapping[str, Any]) -> ValuesVerdict:
    flaws_at = (((*question.path, *path), message) for path, message in answer.get("flaws", ()))
    inline = question.inline_values
    flaws = tuple(
        ValuesFlaw(question.chart.name, path, message)
        for path, message in flaws_at
        if inline is None or values.is_settled(inline, path)
    )
    return ValuesVerdict((*verdict.flaws, *flaws), verdict.why or str(answer.get("why", "")))

"""What the schemas of charts say of the values of the HelmReleases that are not ready."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fluxdoctor.collect.charts import schema_worker, values
from fluxdoctor.collect.charts.values import UnknownValuesError, Values
from fluxdoctor.model import flux
from fluxdoctor.model.charts import Archive, Chart, ValuesFlaw, ValuesVerdict, in_use, referred
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import State
from fluxdoctor.model.resource import Fields, Ref, Resource

_SECONDS = 5.0
_MOST_LATE = 3
_SAID = "the specifications of the schema"


def archives(cluster: Cluster) -> dict[Ref, Archive]:
    """Return the chart of each HelmRelease whose values a schema may refuse: one that was never tried, or that says so."""
    found: dict[Ref, Archive] = {}
    for release in untried(cluster):
        if archive := in_use(release, cluster):
            found[release.ref] = archive
    return found


def untried(cluster: Cluster) -> Iterator[Resource]:
    """Yield the HelmReleases whose values a schema may refuse: those that were never tried, or that say so."""
    yield from (release for release in cluster.all("HelmRelease") if _asks(release))


def _asks(release: Resource) -> bool:
    if any(release.flag(f"spec.{action}.disableSchemaValidation") for action in ("install", "upgrade")):
        return False
    told = any(_SAID in c.message for c in release.conditions)
    return flux.state(release) is State.NEW or (told and flux.state(release) is not State.READY)


def _replaces_values(release: Resource, cluster: Cluster) -> str:
    """Return the field that names other defaults than the chart's own, "" where there is none."""
    if release.get("spec.chart.spec.valuesFiles"):
        return "spec.chart.spec.valuesFiles"
    chart = referred(release, cluster)
    replaced = chart is not None and chart.kind == "HelmChart" and chart.get("spec.valuesFiles")
    return "spec.valuesFiles of the HelmChart" if replaced else ""


def judge(cluster: Cluster, charts: Mapping[Archive, Chart]) -> dict[Ref, ValuesVerdict]:
    """Judge the values of the releases whose charts were pulled."""
    pairs = {ref: charts[archive] for ref, archive in archives(cluster).items() if archive in charts}
    return of(cluster, {ref: PartialChart(chart) for ref, chart in pairs.items()})


@dataclass(frozen=True)
class PartialChart:
    """The chart of a release. ``why``: not all of it was seen, and its defaults are not all known; "" where all was."""

    chart: Chart
    why: str = ""


def of(cluster: Cluster, charts: Mapping[Ref, PartialChart]) -> dict[Ref, ValuesVerdict]:
    """Judge the values of releases by their charts. Raises nothing; a schema that takes too long is unknown.

    Where a part of the values is not known, what spec.values sets itself is still judged: it is merged last.
    """
    found: dict[Ref, ValuesVerdict] = {}
    questions: list[_Question] = []
    for ref, asked in charts.items():
        release = cluster.get(ref)
        if release is None or not (several := list(_questions(ref, asked.chart))):
            continue
        try:
            given, why = _given(release, cluster, asked)
            questions += [q for one in several for q in one.filled(asked.chart, given, partly=bool(why))]
            found[ref] = ValuesVerdict(why=why)
        except UnknownValuesError as error:
            found[ref] = ValuesVerdict(why=str(error))
        except RecursionError:
            found[ref] = ValuesVerdict(why="its values are nested too deep")
    for question, answer in zip(questions, _answers(questions), strict=True):
        found[question.release] = _joined(found[question.release], question, answer)
    return found


def _given(release: Resource, cluster: Cluster, asked: PartialChart) -> tuple[Values, str]:
    """Return the values of a release, or only what spec.values sets, and why others are not known."""
    own = values.own(release)
    field = _replaces_values(release, cluster)
    why = asked.why or (f"{field} replaces the values of the chart" if field else "")
    if why:
        return own, why
    try:
        given = values.of_release(release, cluster)
    except UnknownValuesError as error:
        return own, str(error)
    return (own, "a variable that is not known is in a value") if values.is_open(given) else (given, "")


@dataclass(frozen=True)
class _Question:
    """A schema of a chart or of a subchart (``path``: its place in the values), and what it is asked of."""

    release: Ref
    chart: Chart
    path: tuple[str, ...]
    line: str = ""
    """The question as the worker reads it."""
    own: Values | None = None
    """What spec.values sets, where only that is judged."""

    def filled(self, root: Chart, given: Values, *, partly: bool) -> Iterator[_Question]:
        """Yield the question with the values of its place; nothing where Helm would have none there."""
        if values.imports(root):
            raise UnknownValuesError("the chart imports values from its subcharts")
        wholes = [given] if partly else values.variants(root, given)
        places = [Fields(whole).get(self.path) for whole in wholes]
        if all(isinstance(place, dict) for place in places):
            line = json.dumps({"schema": self.chart.schema, "values": places, "partly": partly})
            yield _Question(self.release, self.chart, self.path, line, given if partly else None)


def _questions(release: Ref, chart: Chart, path: tuple[str, ...] = ()) -> Iterator[_Question]:
    if chart.schema:
        yield _Question(release, chart, path)
    for sub in chart.subcharts:
        if not values.conditional(chart, sub.name):
            yield from _questions(release, sub, (*path, sub.name))


def _joined(verdict: ValuesVerdict, question: _Question, answer: Mapping[str, Any]) -> ValuesVerdict:
    told = (((*question.path, *path), said) for path, said in answer.get("flaws", ()))
    own = question.own
    flaws = tuple(
        ValuesFlaw(question.chart.name, p, said) for p, said in told if own is None or values.is_settled(own, p)
    )
    return ValuesVerdict((*verdict.flaws, *flaws), verdict.why or str(answer.get("why", "")))


def _answers(questions: list[_Question]) -> list[Mapping[str, Any]]:
    """Ask the worker; one question that it does not answer in time is given up, and the rest is asked again."""
    lines = [question.line for question in questions]
    answers: list[Mapping[str, Any]] = []
    for _ in range(_MOST_LATE):
        if len(answers) == len(lines):
            break
        answers += _run(lines[len(answers) :])
        if len(answers) < len(lines):
            answers.append({"why": "its schema took too long, or too much memory"})
    return answers + [{"why": "it was not asked: too many schemas took too long"}] * (len(lines) - len(answers))


def _run(lines: list[str]) -> list[Mapping[str, Any]]:
    command = [sys.executable, "-I", schema_worker.__file__]
    try:
        done = subprocess.run(  # noqa: S603 - our own file; the values go in through a pipe
            command, input="\n".join(lines).encode(), capture_output=True, timeout=_SECONDS, env={}, check=False
        )
        said = done.stdout
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
    except OSError:
        return []
    return [json.loads(line) for line in said.splitlines(keepends=True) if line.endswith(b"\n")]

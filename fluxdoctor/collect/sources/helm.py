"""Reads the indexes of Helm repositories, and pulls the charts that rules need."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from fluxdoctor.collect import fan_out
from fluxdoctor.collect.charts import chart_archive, index
from fluxdoctor.collect.charts.index import Index
from fluxdoctor.collect.fan_out import Request, Result
from fluxdoctor.collect.net.address import Address, parse
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.deadline import DeadlineError
from fluxdoctor.collect.net.http import MIB, Access, Client, Response
from fluxdoctor.collect.probe_context import ProbeContext, SourceResults, probe_gap
from fluxdoctor.collect.sources import access
from fluxdoctor.collect.sources.index_cache import IndexCache, read_mapped
from fluxdoctor.model import flux
from fluxdoctor.model.chart_indexes import ChartVersion, entries_of, stated
from fluxdoctor.model.charts import Archive, Chart, UsedChart
from fluxdoctor.model.flux import State
from fluxdoctor.model.gaps import FileScope, Gap, GapReason
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.resource import Ref, Resource

#: The size limit of source-controller for an index, unless --helm-index-max-size is set.
LIMIT = 50 * MIB
_MOST = 256 * MIB
_UNCHANGED = 304
#: If a whole index is wrong, a few archives are sufficient proof.
_MAX_MISMATCHES = 8


@dataclass(frozen=True)
class HelmResults(SourceResults):
    """The charts of each repository: the versions of requested charts; for other charts the name and ()."""

    indexes: Mapping[Ref, Mapping[str, Sequence[ChartVersion]]] = field(default_factory=dict)
    charts: Mapping[Archive, Chart] = field(default_factory=dict)


@dataclass(frozen=True)
class _HelmEndpoint:
    source: Resource
    place: Address
    access: Access


def collect(
    repositories: Sequence[Resource],
    chart_names: Mapping[Ref, frozenset[str]],
    context: ProbeContext,
    *,
    archives: Collection[Archive] = (),
    used_charts: Collection[UsedChart] = (),
) -> HelmResults:
    """Read the indexes of Helm repositories over HTTP. Raises nothing: errors are in the probes.

    ``chart_names``: names of charts by repository. ``archives``: charts to pull. ``used_charts``: charts that the
    controller has. A few of them whose digest differs from the index are pulled too, to see which of both is served.
    """
    endpoints: dict[Ref, _HelmEndpoint] = {}
    refusals: dict[Ref, tuple[str, UnreachableError]] = {}
    for source in repositories:
        target = ""
        try:
            place = parse(source.text("spec.url")).below("index.yaml")
            target = str(place)
            endpoints[source.ref] = _HelmEndpoint(source, place, access.helm_repository(source, context))
        except UnreachableError as error:
            refusals[source.ref] = (target, error)
    questions = [
        Request(
            ref,
            str(endpoint.place),
            (endpoint.place.url, endpoint.place.user, endpoint.place.password, endpoint.access.key),
        )
        for ref, endpoint in endpoints.items()
    ]

    def answer(group: tuple[Request, ...]) -> Result[Index]:
        refs = {q.source for q in group}
        names = frozenset(name for ref in refs for name in chart_names.get(ref, ()))
        names |= {name for ref, name, _ in archives if ref in refs}
        parse_all = any(flux.state(endpoints[q.source].source) is State.FAILED for q in group)
        return _fetch_index(endpoints[group[0].source], names, context, parse_all=parse_all)

    probes, indexes = fan_out.ask(questions, answer, context)
    pulls = {*archives, *_digest_mismatches(used_charts, indexes)}
    charts, gaps = _pull_all(
        [(endpoints[ref], ref, name, version) for ref, name, version in sorted(pulls) if ref in endpoints],
        indexes,
        context,
    )
    return HelmResults(probes | fan_out.refusal_probes(refusals, context), (*_gaps(probes), *gaps), indexes, charts)


def _digest_mismatches(used_charts: Collection[UsedChart], indexes: Mapping[Ref, Index]) -> tuple[Archive, ...]:
    """Return a few charts of the controller whose digest differs from the one in the index."""
    mismatches: set[Archive] = set()
    for used in used_charts:
        ref, name, version = used.archive
        digests = stated(entries_of(indexes.get(ref, {}).get(name, ()), version))
        if digests and used.digest not in digests:
            mismatches.add(used.archive)
    return tuple(sorted(mismatches)[:_MAX_MISMATCHES])


def _gaps(probes: Mapping[Ref, Probe]) -> tuple[Gap, ...]:
    return tuple(
        probe_gap(f"helm/{ref.namespace}/{ref.name}/index.yaml", probe)
        for ref, probe in sorted(probes.items())
        if probe.answer not in (Answer.OK, Answer.TOO_LARGE)
    )


def _fetch_index(
    endpoint: _HelmEndpoint, chart_names: frozenset[str], context: ProbeContext, *, parse_all: bool
) -> Result[Index]:
    """Fetch an index, or read the cached one if it has not changed."""
    cache, place = IndexCache(context.cache), endpoint.place

    def reader(data: Any) -> Index:
        return index.read(data, chart_names, parse_all=parse_all)

    with Client(context, endpoint.access) as client, cache.lookup(place) as cached, cache.draft() as draft:
        response = _get(client, endpoint, cached.conditions if cached else {}, draft.write)
        if cached and response.status == _UNCHANGED:
            size, parsed = cached.size, read_mapped(cached.file, reader)
        elif response.ok:
            size, parsed = draft.size, draft.read(reader)
            cache.store(place, draft, response.headers)
        else:
            raise response.refusal()
    if size > LIMIT and parse_all:  # a controller that reads it has a higher limit
        detail = f"the index is {size / MIB:.0f} MiB; source-controller reads at most {LIMIT / MIB:.0f} MiB by default"
        return Result(Answer.TOO_LARGE, detail, parsed)
    return Result(Answer.OK, f"{len(parsed)} {'chart' if len(parsed) == 1 else 'charts'}", parsed)


def _get(
    client: Client, endpoint: _HelmEndpoint, headers: Mapping[str, str], into: Callable[[bytes], object]
) -> Response:
    place = endpoint.place
    authorization = endpoint.access.basic or Access(place.user, place.password).basic
    return client.get(place, headers, authorization=authorization, limit=_MOST, into=into)


def _pull_all(
    requests: Sequence[tuple[_HelmEndpoint, Ref, str, str]], indexes: Mapping[Ref, Index], context: ProbeContext
) -> tuple[dict[Archive, Chart], list[Gap]]:
    """Pull each chart once. A chart that cannot be pulled becomes a gap."""
    charts: dict[Archive, Chart] = {}
    gaps: list[Gap] = []

    def pull(request: tuple[_HelmEndpoint, Ref, str, str]) -> Chart | str:
        endpoint, ref, name, version = request
        try:
            context.deadline.check()
            return _pull(endpoint, _chart_url(indexes.get(ref, {}).get(name, ()), version), context)
        except (UnreachableError, chart_archive.ChartError, DeadlineError) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - an unforeseen error in one chart must not lose the others
            return f"the chart could not be read ({type(error).__name__})"

    with ThreadPoolExecutor(max(1, context.workers), thread_name_prefix="chart") as pool:
        for (_, ref, name, version), outcome in zip(requests, pool.map(pull, requests), strict=True):
            if isinstance(outcome, Chart):
                charts[ref, name, version] = outcome
            else:
                path = f"helm/{ref.namespace}/{ref.name}/charts/{name}-{version}.tgz"
                gaps.append(Gap(FileScope(path), GapReason.UNAVAILABLE, outcome))
    return charts, gaps


def _chart_url(versions: Sequence[ChartVersion], version: str) -> str:
    """Return the URL of a version. Raises UnreachableError(NOT_FOUND) if the index has none."""
    rows = entries_of(versions, version)
    if not rows or not rows[0].urls:
        raise UnreachableError(Answer.NOT_FOUND, "the index does not list this chart version")
    return rows[0].urls[0]


def _pull(endpoint: _HelmEndpoint, url: str, context: ProbeContext) -> Chart:
    """Pull one chart. Another host gets the login only if spec.passCredentials is true (helm/pkg/getter)."""
    base = replace(endpoint.place, target=endpoint.place.target.replace("/index.yaml", "/", 1))
    place = base.join(url)
    sends_login = base.is_same_origin(place) or endpoint.source.flag("spec.passCredentials")
    endpoint_access = endpoint.access
    authorization = endpoint_access.basic or Access(base.user, base.password).basic
    with Client(
        context, endpoint_access if sends_login else replace(endpoint_access, username="", password="")
    ) as client:
        response = client.get(place, authorization=authorization if sends_login else "", limit=chart_archive.MAX_PACKED)
    if not response.ok:
        raise response.refusal()
    return replace(chart_archive.read(response.body), digest=hashlib.sha256(response.body).hexdigest())

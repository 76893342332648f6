"""What Helm repositories offer: their indexes, and the archives of charts that a rule asks for."""

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
from fluxdoctor.collect.sources.index_cache import IndexCache, mapped
from fluxdoctor.model import flux
from fluxdoctor.model.chart_indexes import ChartVersion, entries_of, stated
from fluxdoctor.model.charts import Archive, Chart, UsedChart
from fluxdoctor.model.flux import State
from fluxdoctor.model.gaps import FileScope, Gap, GapReason
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.resource import Ref, Resource

#: What source-controller reads of an index, unless --helm-index-max-size says more.
LIMIT = 50 * MIB
_MOST = 256 * MIB
_UNCHANGED = 304
#: Of a repository whose whole index is wrong a few archives are proof enough.
_MOST_DOUBTFUL = 8


@dataclass(frozen=True)
class HelmFound(SourceResults):
    """The charts of each repository: the versions of those that were asked for, of the others the name and ()."""

    indexes: Mapping[Ref, Mapping[str, Sequence[ChartVersion]]] = field(default_factory=dict)
    charts: Mapping[Archive, Chart] = field(default_factory=dict)


@dataclass(frozen=True)
class _HelmSource:
    source: Resource
    place: Address
    access: Access


def collect(
    repositories: Sequence[Resource],
    wanted: Mapping[Ref, frozenset[str]],
    reach: ProbeContext,
    *,
    archives: Collection[Archive] = (),
    held: Collection[UsedChart] = (),
) -> HelmFound:
    """Ask Helm repositories over HTTP. ``wanted``: names of charts by repository. Raises nothing: see the probes.

    ``archives``: charts to pull as well. ``held``: what the controller holds; a few of those that an index states another
    digest for are pulled too, to see which of the two is served.
    """
    known: dict[Ref, _HelmSource] = {}
    refused: dict[Ref, tuple[str, UnreachableError]] = {}
    for source in repositories:
        target = ""
        try:
            place = parse(source.text("spec.url")).below("index.yaml")
            target = str(place)
            known[source.ref] = _HelmSource(source, place, access.helm_repository(source, reach))
        except UnreachableError as error:
            refused[source.ref] = (target, error)
    questions = [
        Request(ref, str(r.place), (r.place.url, r.place.user, r.place.password, r.access.key))
        for ref, r in known.items()
    ]

    def answer(group: tuple[Request, ...]) -> Result[Index]:
        refs = {q.source for q in group}
        names = frozenset(name for ref in refs for name in wanted.get(ref, ()))
        names |= {name for ref, name, _ in archives if ref in refs}
        whole = any(flux.state(known[q.source].source) is State.FAILED for q in group)
        return _index(known[group[0].source], names, reach, whole=whole)

    probes, indexes = fan_out.ask(questions, answer, reach)
    pull = {*archives, *_doubtful(held, indexes)}
    charts, gaps = _pulled(
        [(known[ref], ref, name, version) for ref, name, version in sorted(pull) if ref in known], indexes, reach
    )
    return HelmFound(probes | fan_out.unasked(refused, reach), (*_gaps(probes), *gaps), indexes, charts)


def _doubtful(held: Collection[UsedChart], indexes: Mapping[Ref, Index]) -> tuple[Archive, ...]:
    """Return the charts that the controller holds with another digest than their index states, no more than a few."""
    found: set[Archive] = set()
    for one in held:
        ref, name, version = one.archive
        digests = stated(entries_of(indexes.get(ref, {}).get(name, ()), version))
        if digests and one.digest not in digests:
            found.add(one.archive)
    return tuple(sorted(found)[:_MOST_DOUBTFUL])


def _gaps(probes: Mapping[Ref, Probe]) -> tuple[Gap, ...]:
    return tuple(
        probe_gap(f"helm/{ref.namespace}/{ref.name}/index.yaml", probe)
        for ref, probe in sorted(probes.items())
        if probe.answer not in (Answer.OK, Answer.TOO_LARGE)
    )


def _index(repository: _HelmSource, wanted: frozenset[str], reach: ProbeContext, *, whole: bool) -> Result[Index]:
    """Fetch an index, or learn that the one of the last run is still the one, and read it."""
    cache, place = IndexCache(reach.cache), repository.place

    def reader(data: Any) -> Index:
        return index.read(data, wanted, whole=whole)

    with Client(reach, repository.access) as client, cache.found(place) as kept, cache.draft() as draft:
        response = _get(client, repository, kept.conditions if kept else {}, draft.write)
        if kept and response.status == _UNCHANGED:
            size, found = kept.size, mapped(kept.file, reader)
        elif response.ok:
            size, found = draft.size, draft.read(reader)
            cache.keep(place, draft, response.headers)
        else:
            raise response.refusal()
    if size > LIMIT and whole:  # a controller that reads it was told to take more
        words = f"the index is {size / MIB:.0f} MiB; source-controller reads {LIMIT / MIB:.0f} unless told otherwise"
        return Result(Answer.TOO_LARGE, words, found)
    return Result(Answer.OK, f"{len(found)} {'chart' if len(found) == 1 else 'charts'}", found)


def _get(
    client: Client, repository: _HelmSource, headers: Mapping[str, str], into: Callable[[bytes], object]
) -> Response:
    place = repository.place
    own = repository.access.basic or Access(place.user, place.password).basic
    return client.get(place, headers, authorization=own, limit=_MOST, into=into)


def _pulled(
    wanted: Sequence[tuple[_HelmSource, Ref, str, str]], indexes: Mapping[Ref, Index], reach: ProbeContext
) -> tuple[dict[Archive, Chart], list[Gap]]:
    """Pull charts, each once; what cannot be had is a gap."""
    charts: dict[Archive, Chart] = {}
    gaps: list[Gap] = []

    def pull(one: tuple[_HelmSource, Ref, str, str]) -> Chart | str:
        repository, ref, name, version = one
        try:
            reach.deadline.check()
            return _pull(repository, _listed(indexes.get(ref, {}).get(name, ()), version), reach)
        except (UnreachableError, chart_archive.ChartError, DeadlineError) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - what we did not foresee in one chart must not lose the others
            return f"it could not be read ({type(error).__name__})"

    with ThreadPoolExecutor(max(1, reach.workers), thread_name_prefix="chart") as pool:
        for (_, ref, name, version), found in zip(wanted, pool.map(pull, wanted), strict=True):
            if isinstance(found, Chart):
                charts[ref, name, version] = found
            else:
                path = f"helm/{ref.namespace}/{ref.name}/charts/{name}-{version}.tgz"
                gaps.append(Gap(FileScope(path), GapReason.UNAVAILABLE, found))
    return charts, gaps


def _listed(versions: Sequence[ChartVersion], wanted: str) -> str:
    """Return the URL of a version. Raises UnreachableError where the index has none."""
    found = entries_of(versions, wanted)
    if not found or not found[0].urls:
        raise UnreachableError(Answer.NOT_FOUND, "the index does not list it")
    return found[0].urls[0]


def _pull(repository: _HelmSource, url: str, reach: ProbeContext) -> Chart:
    """Get one chart. Another host is shown the login only where spec.passCredentials says so (helm/pkg/getter)."""
    base = replace(repository.place, target=repository.place.target.replace("/index.yaml", "/", 1))
    place = base.join(url)
    trusted = base.keeps(place) or repository.source.flag("spec.passCredentials")
    how = repository.access
    own = how.basic or Access(base.user, base.password).basic
    with Client(reach, how if trusted else replace(how, username="", password="")) as client:
        response = client.get(place, authorization=own if trusted else "", limit=chart_archive.MAX_PACKED)
    if not response.ok:
        raise response.refusal()
    return replace(chart_archive.read(response.body), digest=hashlib.sha256(response.body).hexdigest())

"""What Helm repositories offer: their indexes, and the archives of charts that a rule asks for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from fluxdoctor.collect import access, asking, index
from fluxdoctor.collect.address import Address, parse
from fluxdoctor.collect.asking import Answered, Question
from fluxdoctor.collect.http import MIB, Access, Client, Response
from fluxdoctor.collect.index import Index
from fluxdoctor.collect.index_cache import Cache, mapped
from fluxdoctor.collect.reach import Gathered, Reach, UnreachableError
from fluxdoctor.model import flux
from fluxdoctor.model.facts import Answer, ChartVersion, Gap, Probe
from fluxdoctor.model.flux import State
from fluxdoctor.model.resource import Ref, Resource

#: What source-controller reads of an index, unless --helm-index-max-size says more.
LIMIT = 50 * MIB
_MOST = 256 * MIB
_UNCHANGED = 304


@dataclass(frozen=True)
class HelmFound(Gathered):
    """The charts of each repository: the versions of those that were asked for, of the others the name and ()."""

    indexes: Mapping[Ref, Mapping[str, Sequence[ChartVersion]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Repository:
    source: Resource
    place: Address
    access: Access


def collect(
    repositories: Sequence[Resource],
    wanted: Mapping[Ref, frozenset[str]],
    reach: Reach,
    *,
    archives: Collection[tuple[Ref, str, str]] = (),
) -> HelmFound:
    """Ask Helm repositories over HTTP. ``wanted``: names of charts by repository. Raises nothing: see the probes."""
    known: dict[Ref, _Repository] = {}
    refused: dict[Ref, tuple[str, UnreachableError]] = {}
    for source in repositories:
        target = ""
        try:
            place = parse(source.text("spec.url")).below("index.yaml")
            target = str(place)
            known[source.ref] = _Repository(source, place, access.helm_repository(source, reach))
        except UnreachableError as error:
            refused[source.ref] = (target, error)
    questions = [Question(ref, str(r.place), (r.place.url, r.access.key)) for ref, r in known.items()]

    def answer(group: tuple[Question, ...]) -> Answered[Index]:
        names = frozenset(name for q in group for name in wanted.get(q.source, ()))
        whole = any(flux.state(known[q.source].source) is State.FAILED for q in group)
        return _index(known[group[0].source], names, reach, whole=whole)

    probes, indexes = asking.ask(questions, answer, reach)
    return HelmFound(probes | asking.unasked(refused, reach), _gaps(probes), indexes)


def _gaps(probes: Mapping[Ref, Probe]) -> tuple[Gap, ...]:
    return tuple(
        Gap(f"helm/{ref.namespace}/{ref.name}/index.yaml", f"{probe.answer.value}: {probe.detail}")
        for ref, probe in sorted(probes.items())
        if probe.answer not in (Answer.OK, Answer.TOO_LARGE)
    )


def _index(repository: _Repository, wanted: frozenset[str], reach: Reach, *, whole: bool) -> Answered[Index]:
    """Fetch an index, or learn that the one of the last run is still the one, and read it."""
    cache, place = Cache(reach.cache), repository.place
    kept = cache.find(place)
    with Client(reach, repository.access) as client, cache.draft() as draft:
        conditions = dict(kept.conditions) if kept else {}
        response = _get(client, repository, conditions, draft.write)
        if kept and response.status == _UNCHANGED:
            with kept.path.open("rb") as file:
                size = kept.path.stat().st_size
                found = mapped(file, lambda data: index.read(data, wanted, whole=whole))
        elif response.ok:
            size = draft.size
            found = mapped(draft.file, lambda data: index.read(data, wanted, whole=whole))
            cache.keep(place, draft, response.headers)
        else:
            raise response.refusal()
    if size > LIMIT:
        words = f"the index is {size / MIB:.0f} MiB; source-controller reads {LIMIT / MIB:.0f} unless told otherwise"
        return Answered(Answer.TOO_LARGE, words, found)
    return Answered(Answer.OK, f"{len(found)} charts", found)


def _get(
    client: Client, repository: _Repository, headers: Mapping[str, str], into: Callable[[bytes], object]
) -> Response:
    place = repository.place
    own = repository.access.basic or Access(place.user, place.password).basic
    return client.get(place, headers, authorization=own, limit=_MOST, into=into)

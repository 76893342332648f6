"""Diagnoses of clusters, snapshots and repositories: cached while they are fresh, and run once for concurrent calls."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError

from fluxdoctor import rule
from fluxdoctor.app import live
from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.kube.login import ClusterError, ClusterLogin
from fluxdoctor.collect.live import Probing
from fluxdoctor.collect.net.deadline import Deadline, DeadlineError
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.collect.store.archive import SnapshotError
from fluxdoctor.mcp import quote
from fluxdoctor.mcp.arguments import below, one_of, path_segment
from fluxdoctor.mcp.settings import ServerSettings
from fluxdoctor.model.finding import Report
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Catalogue

_MOST = 8
_TICK = 0.5
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Query:
    """What to read: a context's cluster, or the path of a snapshot or repository; some namespaces, or one object's kin."""

    context: str = ""
    path: Path | None = None
    namespaces: tuple[str, ...] = ()
    focus: Ref | None = None
    probing: Probing = Probing.NONE


@dataclass(frozen=True)
class CachedDiagnosis:
    """A report, and when reading began (on the monotonic clock): later changes may not be in it.

    ``snapshot`` is None for a repository, which has one for each cluster. ``cut``: the deadline passed, or the call was
    cancelled, before everything was read.
    """

    id: str
    report: Report
    at: float
    snapshot: Snapshot | None = None
    cut: bool = False

    @property
    def age(self) -> int:
        """Whole seconds since reading began."""
        return int(time.monotonic() - self.at)

    @property
    def whole(self) -> bool:
        """Whether everything in the query was read, so that a narrower query would read no more."""
        return not (self.snapshot and self.snapshot.gaps) and not any(s.asked for s in self.report.skipped)


@dataclass(frozen=True)
class CallContext:
    """One call of a tool: its deadline, where its progress goes, and where it says how far a change is."""

    deadline: Deadline
    tell: Tell = lambda _: None
    mark: Tell = lambda _: None


@dataclass
class _Turn:
    """A lock for one query, and how many calls wait for it: removed with the last one."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class DiagnosisCache:
    """Runs diagnoses and caches the newest few. Safe to share between threads."""

    def __init__(self, settings: ServerSettings) -> None:
        """Load the rules. Raises RuleError."""
        self.settings = settings
        self.catalogue: Catalogue = rule.installed()
        self._lock = threading.Lock()
        self._diagnoses: OrderedDict[str, tuple[Query, CachedDiagnosis]] = OrderedDict()
        self._changed = -1.0
        self._turns: dict[Query, _Turn] = {}
        self._last: CachedDiagnosis | None = None

    @property
    def last(self) -> CachedDiagnosis | None:
        """The newest diagnosis, or None."""
        return self._last

    def query(self, *, context: str = "", path: str = "", **more: Any) -> Query:
        """Return the query for these arguments. Raises ToolError, with valid values, if the server does not allow them."""
        contexts = self.settings.contexts
        if context and context not in contexts:
            if not contexts:
                raise ToolError("this server has only one cluster; omit context")
            raise one_of("context", context, contexts)
        for space in more.get("namespaces", ()):
            path_segment("namespace", space)
        if path:
            return Query(path=below(path, self.settings.roots))
        if self.settings.snapshot:
            return Query(path=self.settings.snapshot)
        return Query(context or (contexts[0] if contexts else self.settings.login.context), **more)

    def login(self, context: str) -> ClusterLogin:
        """Return how to log in to the cluster of a context."""
        return replace(self.settings.login, context=context)

    def read(self, query: Query, call: CallContext, *, fresh: bool = False) -> CachedDiagnosis:
        """Return a cached diagnosis not older than ``settings.fresh`` seconds, or run a new one.

        With ``fresh``, it begins after this call did. Raises ToolError if the deadline passes first.
        """
        now = time.monotonic()
        with self._turn(query, call.deadline):
            diagnosis = self._usable(query, now if fresh else now - self.settings.fresh)
            if diagnosis:
                return diagnosis
            if call.deadline.over():
                raise ToolError("the call timed out")
            return self._add(query, self._diagnose(query, call))

    @contextmanager
    def _turn(self, query: Query, deadline: Deadline) -> Iterator[None]:
        """Let one call at a time run a query; a waiting call ends if it is cancelled. Raises ToolError."""
        with self._lock:
            turn = self._turns.setdefault(query, _Turn())
            turn.waiting += 1
        try:
            while not turn.lock.acquire(timeout=min(_TICK, deadline.left())):
                if deadline.over():
                    raise ToolError("the call timed out while another call ran the same query")
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._lock:
                turn.waiting -= 1
                if not turn.waiting:
                    self._turns.pop(query, None)

    def _usable(self, query: Query, since: float) -> CachedDiagnosis | None:
        with self._lock:
            complete = [(q, d) for q, d in reversed(self._diagnoses.values()) if not d.cut]
        fresh = [(q, d) for q, d in complete if d.at >= max(since, self._changed)]
        return next((d for q, d in fresh if q in _answering(query, whole=d.whole)), None)

    def invalidate(self, changed: float | None = None) -> None:
        """Do not use diagnoses again that began before the cluster was changed (now, or at a time of the monotonic clock).

        Cursors stay valid.
        """
        with self._lock:
            self._changed = max(self._changed, time.monotonic() if changed is None else changed)

    def by_id(self, id_: str) -> CachedDiagnosis | None:
        """Return a cached diagnosis of any age, for a cursor."""
        with self._lock:
            return self._diagnoses.get(id_, (None, None))[1]

    def _add(self, query: Query, diagnosis: CachedDiagnosis) -> CachedDiagnosis:
        with self._lock:
            self._diagnoses[diagnosis.id] = (query, diagnosis)
            self._last = diagnosis if not diagnosis.cut or self._last is None else self._last
            while len(self._diagnoses) > _MOST:
                self._diagnoses.popitem(last=False)
        return diagnosis

    def _diagnose(self, query: Query, call: CallContext) -> CachedDiagnosis:
        began = time.monotonic()
        try:
            snapshot = self._snapshot(query, call)
            call.tell("applying the rules")
            report = self._check(query, call.deadline) if snapshot is None else diagnose(snapshot, self.catalogue)
        except (ClusterError, SnapshotError) as error:
            raise ToolError(quote.quoted(str(error))) from None
        return CachedDiagnosis(secrets.token_hex(5), report, began, snapshot, cut=call.deadline.over())

    def _snapshot(self, query: Query, call: CallContext) -> Snapshot | None:
        if query.path:
            within = () if query.path == self.settings.snapshot else self.settings.roots
            return snapshot_folder.load(query.path, within) if is_snapshot(query.path) else None
        return live.read_cluster(
            live.ClusterOptions(
                call.deadline, self.login(query.context), query.namespaces, query.focus, probing=query.probing,
                allow_local=self.settings.allow_local, cache=self.settings.cache,
                facts=lambda: live.facts_of(self.catalogue), progress=call.tell,
            )
        )  # fmt: skip

    def _check(self, query: Query, deadline: Deadline) -> Report:
        from fluxdoctor.app import check
        from fluxdoctor.repository.files import repository

        assert query.path is not None  # noqa: S101 - only a path has no snapshot
        cache = self.settings.cache / "builds" if self.settings.cache else None
        try:
            files = repository.of_folder(query.path, self.settings.roots)
        except repository.RepositoryError as error:
            raise ToolError(quote.quoted(str(error))) from None
        try:
            return check.check(files, self.catalogue, check.CheckOptions(cache=cache, deadline=deadline))
        except DeadlineError:
            raise ToolError("the builds exceeded the time limit of the call (the server's --timeout)") from None


def _answering(query: Query, *, whole: bool) -> Iterator[Query]:
    """Yield the queries whose diagnosis also answers this one: with more probing, and of the whole cluster if all was read."""
    probings = [query.probing] if query.probing is not Probing.NONE else list(Probing)
    yield from (replace(query, probing=p) for p in probings)
    if whole:
        yield from (replace(query, namespaces=(), focus=None, probing=p) for p in probings)


def is_snapshot(path: Path) -> bool:
    """Return whether a path is a snapshot, not a repository."""
    return path.is_file() or (path / "snapshot.yaml").is_file()

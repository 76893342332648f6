"""Readings of clusters, snapshots and repositories, kept while they are fresh, and made once for however many ask."""

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
from fluxdoctor.mcp.arguments import below, named, one_of
from fluxdoctor.mcp.settings import ServerSettings
from fluxdoctor.model.finding import Report
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Catalogue

_KEPT = 8
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
    """What was read, and when that began (of the monotonic clock): what changed later may not be in it.

    ``snapshot`` is None of a repository, which has one per cluster. ``cut``: its time was over, or it was called off, before all
    was read.
    """

    id: str
    report: Report
    at: float
    snapshot: Snapshot | None = None
    cut: bool = False

    @property
    def age(self) -> int:
        """Whole seconds since it was begun."""
        return int(time.monotonic() - self.at)

    @property
    def whole(self) -> bool:
        """All that was asked for was seen, so that a narrower question would see no more."""
        return not (self.snapshot and self.snapshot.gaps) and not any(s.asked for s in self.report.skipped)


@dataclass(frozen=True)
class CallContext:
    """One call: until when, and whom to tell how it goes."""

    deadline: Deadline
    tell: Tell = lambda _: None


@dataclass
class _Turn:
    """Whose turn it is to ask a question, and how many want to: it is gone with the last of them."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class DiagnosisCache:
    """Makes readings and keeps the newest few. Safe to share between threads."""

    def __init__(self, settings: ServerSettings) -> None:
        """Read nothing yet but the rules. Raises RuleError."""
        self.settings = settings
        self.catalogue: Catalogue = rule.installed()
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Query, CachedDiagnosis]] = OrderedDict()
        self._changed = -1.0
        self._turns: dict[Query, _Turn] = {}
        self._last: CachedDiagnosis | None = None

    @property
    def last(self) -> CachedDiagnosis | None:
        """The newest reading, or None."""
        return self._last

    def ask(self, *, context: str = "", path: str = "", **more: Any) -> Query:
        """Say what to read, within what the server allows. Raises ToolError, which lists what would be valid."""
        contexts = self.settings.contexts
        if context and context not in contexts:
            if not contexts:
                raise ToolError("there is one cluster here: leave context out")
            raise one_of("context", context, contexts)
        for space in more.get("namespaces", ()):
            named("namespace", space)
        if path:
            return Query(path=below(path, self.settings.roots))
        if self.settings.snapshot:
            return Query(path=self.settings.snapshot)
        return Query(context or (contexts[0] if contexts else self.settings.login.context), **more)

    def login(self, context: str) -> ClusterLogin:
        """Return how to log in to the cluster of a context."""
        return replace(self.settings.login, context=context)

    def read(self, ask: Query, run: CallContext, *, fresh: bool = False) -> CachedDiagnosis:
        """Return a reading no older than the settings allow; ``fresh``: begun no earlier than now. Raises ToolError."""
        asked = time.monotonic()
        with self._turn(ask, run.deadline):
            held = self._usable(ask, asked if fresh else asked - self.settings.fresh)
            if held:
                return held
            if run.deadline.over():
                raise ToolError("the time for this call is over")
            return self._keep(ask, self._made(ask, run))

    @contextmanager
    def _turn(self, ask: Query, deadline: Deadline) -> Iterator[None]:
        """Let one ask a question at a time; who waits is not kept when its call is called off. Raises ToolError."""
        with self._lock:
            turn = self._turns.setdefault(ask, _Turn())
            turn.waiting += 1
        try:
            while not turn.lock.acquire(timeout=min(_TICK, deadline.left())):
                if deadline.over():
                    raise ToolError(
                        "the same question is being answered for another client, and the time for this call is over"
                    )
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._lock:
                turn.waiting -= 1
                if not turn.waiting:
                    self._turns.pop(ask, None)

    def _usable(self, ask: Query, since: float) -> CachedDiagnosis | None:
        with self._lock:
            kept = [(a, r) for a, r in reversed(self._kept.values()) if not r.cut]
        fresh = [(a, r) for a, r in kept if r.at >= max(since, self._changed)]
        return next((r for a, r in fresh if a in _answering(ask, whole=r.whole)), None)

    def forget(self) -> None:
        """Use nothing again that was begun before now: something was written. A cursor still goes on with it."""
        with self._lock:
            self._changed = time.monotonic()

    def held(self, reading: str) -> CachedDiagnosis | None:
        """Return a kept reading by its id: what a cursor goes on with, however old."""
        with self._lock:
            return self._kept.get(reading, (None, None))[1]

    def _keep(self, ask: Query, reading: CachedDiagnosis) -> CachedDiagnosis:
        with self._lock:
            self._kept[reading.id] = (ask, reading)
            self._last = reading if not reading.cut or self._last is None else self._last
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return reading

    def _made(self, ask: Query, run: CallContext) -> CachedDiagnosis:
        began = time.monotonic()
        try:
            snapshot = self._snapshot(ask, run)
            run.tell("applying the rules")
            report = self._checked(ask, run.deadline) if snapshot is None else diagnose(snapshot, self.catalogue)
        except (ClusterError, SnapshotError) as error:
            raise ToolError(quote.quoted(str(error))) from None
        return CachedDiagnosis(secrets.token_hex(5), report, began, snapshot, cut=run.deadline.over())

    def _snapshot(self, ask: Query, run: CallContext) -> Snapshot | None:
        if ask.path:
            within = () if ask.path == self.settings.snapshot else self.settings.roots
            return snapshot_folder.load(ask.path, within) if is_snapshot(ask.path) else None
        return live.read_cluster(
            live.ClusterOptions(
                run.deadline, self.login(ask.context), ask.namespaces, ask.focus, probing=ask.probing,
                allow_local=self.settings.allow_local, cache=self.settings.cache,
                facts=lambda: live.facts_of(self.catalogue), progress=run.tell,
            )
        )  # fmt: skip

    def _checked(self, ask: Query, deadline: Deadline) -> Report:
        from fluxdoctor.app import check
        from fluxdoctor.repository.files import repository

        assert ask.path is not None  # noqa: S101 - only a path has no snapshot
        cache = self.settings.cache / "builds" if self.settings.cache else None
        try:
            files = repository.of_folder(ask.path, self.settings.roots)
        except repository.RepositoryError as error:
            raise ToolError(quote.quoted(str(error))) from None
        try:
            return check.check(files, self.catalogue, check.CheckOptions(cache=cache, deadline=deadline))
        except DeadlineError:
            raise ToolError("the builds did not end in the time of this call (the server's --timeout)") from None


def _answering(ask: Query, *, whole: bool) -> Iterator[Query]:
    """The questions whose answer holds that of another: with more probing, and of the whole cluster where all was seen."""
    probed = [ask.probing] if ask.probing is not Probing.NONE else list(Probing)
    yield from (replace(ask, probing=p) for p in probed)
    if whole:
        yield from (replace(ask, namespaces=(), focus=None, probing=p) for p in probed)


def is_snapshot(path: Path) -> bool:
    """Tell a snapshot from a repository."""
    return path.is_file() or (path / "snapshot.yaml").is_file()

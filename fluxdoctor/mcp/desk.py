"""Readings of clusters, snapshots and repositories, kept while they are fresh, and made once for however many ask."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError

from fluxdoctor import predeploy, rule
from fluxdoctor.collect import folder, live
from fluxdoctor.collect.archive import SnapshotError
from fluxdoctor.collect.cluster import Scope
from fluxdoctor.collect.deadline import Deadline
from fluxdoctor.collect.kube.login import ClusterError, Login
from fluxdoctor.collect.live import Probing
from fluxdoctor.collect.worktree import repository
from fluxdoctor.diagnose import diagnose
from fluxdoctor.mcp import quote
from fluxdoctor.mcp.arguments import below, one_of
from fluxdoctor.mcp.settings import Settings
from fluxdoctor.model.finding import Report
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Catalogue

_KEPT = 8
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Ask:
    """What to read: a context's cluster, or the path of a snapshot or repository; some namespaces, or one object's kin."""

    context: str = ""
    path: Path | None = None
    namespaces: tuple[str, ...] = ()
    focus: Ref | None = None
    probing: Probing = Probing.NONE


@dataclass(frozen=True)
class Reading:
    """What was read, and when (of the monotonic clock). ``snapshot`` is None of a repository, which has one per cluster."""

    id: str
    report: Report
    at: float
    snapshot: Snapshot | None = None

    @property
    def age(self) -> int:
        """Whole seconds since it was made."""
        return int(time.monotonic() - self.at)


@dataclass(frozen=True)
class Run:
    """One call: until when, and whom to tell how it goes."""

    deadline: Deadline
    tell: Tell = lambda _: None


class Desk:
    """Makes readings and keeps the newest few. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        """Read nothing yet but the rules. Raises RuleError."""
        self.settings = settings
        self.catalogue: Catalogue = rule.installed()
        self._lock = threading.Lock()
        self._held: OrderedDict[Ask, Reading] = OrderedDict()
        self._busy: dict[Ask, threading.Lock] = {}
        self._last: Reading | None = None

    @property
    def last(self) -> Reading | None:
        """The newest reading, or None."""
        return self._last

    def ask(self, *, context: str = "", path: str = "", **more: Any) -> Ask:
        """Say what to read, within what the server allows. Raises ToolError, which lists what would be valid."""
        contexts = self.settings.contexts
        if context and context not in contexts:
            if not contexts:
                raise ToolError("there is one cluster here: leave context out")
            raise one_of("context", context, contexts)
        if path:
            return Ask(path=below(path, self.settings.roots))
        if self.settings.snapshot:
            return Ask(path=self.settings.snapshot)
        return Ask(context or (contexts[0] if contexts else self.settings.login.context), **more)

    def login(self, context: str) -> Login:
        """Return how to log in to the cluster of a context."""
        return replace(self.settings.login, context=context)

    def read(self, ask: Ask, run: Run, *, fresh: bool = False) -> Reading:
        """Return a reading no older than the settings allow; ``fresh`` makes a new one. Raises ToolError."""
        asked = time.monotonic()
        with self._lock:
            busy = self._busy.setdefault(ask, threading.Lock())
        if not busy.acquire(timeout=run.deadline.left()):
            raise ToolError(
                "the same question is being answered for another client, and the time for this call is over"
            )
        try:
            held = self._usable(ask, asked if fresh else asked - self.settings.fresh)
            return held or self._keep(ask, self._made(ask, run))
        finally:
            busy.release()

    def _usable(self, ask: Ask, since: float) -> Reading | None:
        with self._lock:
            wider = (
                ask,
                *(replace(ask, probing=p) for p in Probing if p is not Probing.NONE and ask.probing is Probing.NONE),
            )
            return next((r for a in wider if (r := self._held.get(a)) and r.at >= since), None)

    def forget(self) -> None:
        """Use nothing again that was read before now: something was written."""
        with self._lock:
            self._held.clear()

    def held(self, reading: str) -> Reading | None:
        """Return a kept reading by its id: what a cursor goes on with, however old."""
        with self._lock:
            return next((r for r in self._held.values() if r.id == reading), None)

    def _keep(self, ask: Ask, reading: Reading) -> Reading:
        with self._lock:
            self._held[ask] = self._last = reading
            self._held.move_to_end(ask)
            while len(self._held) > _KEPT:
                gone, _ = self._held.popitem(last=False)
                self._busy.pop(gone, None)
        return reading

    def _made(self, ask: Ask, run: Run) -> Reading:
        try:
            snapshot = self._snapshot(ask, run)
            run.tell("applying the rules")
            report = self._checked(ask) if snapshot is None else diagnose(snapshot, self.catalogue)
        except (ClusterError, SnapshotError, repository.RepositoryError) as error:
            raise ToolError(quote.quoted(str(error))) from None
        seed = f"{ask}{report.taken}{time.monotonic()}"
        return Reading(sha256(seed.encode("utf-8", "replace")).hexdigest()[:10], report, time.monotonic(), snapshot)

    def _snapshot(self, ask: Ask, run: Run) -> Snapshot | None:
        if ask.path:
            return folder.load(ask.path) if is_snapshot(ask.path) else None
        target = live.Target(
            self.login(ask.context), Scope(ask.namespaces, ask.focus), ask.probing,
            allow_local=self.settings.allow_local, cache=self.settings.cache,
        )  # fmt: skip
        return live.collect(target, run.deadline, self._needs, run.tell)

    def _needs(self) -> frozenset[type]:
        return frozenset(need.fact for one in self.catalogue.rules for need in one.needs)

    def _checked(self, ask: Ask) -> Report:
        assert ask.path is not None  # noqa: S101 - only a path has no snapshot
        cache = self.settings.cache / "builds" if self.settings.cache else None
        return predeploy.check(repository.of_folder(ask.path), self.catalogue, cache=cache)


def is_snapshot(path: Path) -> bool:
    """Tell a snapshot from a repository."""
    return path.is_file() or (path / "snapshot.yaml").is_file()

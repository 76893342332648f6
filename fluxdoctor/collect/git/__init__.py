"""The git collector: how every GitRepository's remote answers, its refs, and the tree of the revision in use."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from fluxdoctor.collect.git import githubapp
from fluxdoctor.collect.git import login as logins
from fluxdoctor.collect.git import remote as remotes
from fluxdoctor.collect.git.hosts import Hosts
from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.remote import Remote
from fluxdoctor.collect.git.revision import wanted
from fluxdoctor.collect.git.store import Store
from fluxdoctor.collect.git.visit import Visit, VisitContext, VisitResult, ask, plan
from fluxdoctor.collect.git.way import Way
from fluxdoctor.collect.git.workspace import Workspace
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.probe_context import ProbeContext, SourceResults, probe_reason
from fluxdoctor.intake.tree import tree_of
from fluxdoctor.model.gaps import FileScope, Gap
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.tree import Tree

_TICK = 0.2


@dataclass(frozen=True)
class GitFound(SourceResults):
    """The trees and the remote refs by GitRepository, beside how each answered and what could not be read."""

    trees: Mapping[Ref, Tree] = field(default_factory=dict)
    refs: Mapping[Ref, Mapping[str, str]] = field(default_factory=dict)


def collect(sources: Sequence[Resource], reach: ProbeContext, *, trees: bool = True) -> GitFound:
    """Ask the remotes of GitRepositories, each (URL, login) once, and read the trees of the revisions in use.

    Never raises for one source's sake: what went wrong is in its Probe and, where a tree is lacking, a Gap. All files that
    hold a login are gone when it returns, also when it is interrupted.
    """
    planned: list[tuple[Resource, Remote, GitLogin]] = []
    told: dict[Ref, VisitResult] = {}
    targets: dict[Ref, str] = {}
    for source in sources:
        try:
            remote = remotes.parse(source.text("spec.url"))
            targets[source.ref] = remote.url
            planned.append((source, remote, logins.read(source, remote, reach.vault)))
        except UnreachableError as error:
            targets.setdefault(source.ref, remotes.masked(source.text("spec.url")))
            told[source.ref] = VisitResult(error.answer, error.detail)
    git = shutil.which("git")
    if git is None:
        told |= {row[0].ref: VisitResult(Answer.UNKNOWN, "there is no git on the PATH here") for row in planned}
    else:
        try:
            told |= _visit_all(plan(planned), reach, git, trees=trees)
        except OSError as error:
            why = f"no temporary file can be written here: {error.strerror}"
            told |= {row[0].ref: VisitResult(Answer.UNKNOWN, why) for row in planned}
    return _found(sources, told, targets, reach.taken, trees=trees)


def _visit_all(visits: Sequence[Visit], reach: ProbeContext, git: str, *, trees: bool) -> dict[Ref, VisitResult]:
    told: dict[Ref, VisitResult] = {}
    if not visits:
        return told
    with tempfile.TemporaryDirectory(prefix="fluxdoctor-", ignore_cleanup_errors=True) as scratch:
        hosts, store = Hosts(reach), Store(reach.cache, Path(scratch))
        shared = VisitContext(reach, git, Path(scratch), hosts, store, trees, _Tokens(reach, hosts))
        pool = ThreadPoolExecutor(max(1, reach.workers), thread_name_prefix="git")
        try:
            pending = {pool.submit(ask, asked, shared): asked for asked in visits}
            _join(pending)
        except BaseException:
            reach.deadline.cancel()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        store.prune()
    for future, asked in pending.items():
        outcome = future.result()
        told |= {source.ref: outcome for source in asked.sources}
    return told


def _join(pending: Mapping[Future[VisitResult], Visit]) -> None:
    """Wait in short steps, so that Ctrl-C is heard."""
    left = set(pending)
    while left:
        left = wait(left, _TICK).not_done


class _Tokens:
    """The tokens of GitHub Apps: one exchange for each app, whoever asks first."""

    def __init__(self, reach: ProbeContext, hosts: Hosts) -> None:
        self._reach, self._hosts = reach, hosts
        self._lock = threading.Lock()
        self._known: dict[str, str | UnreachableError] = {}

    def __call__(self, login: GitLogin, space: Workspace) -> str:
        with self._lock:
            known = self._known.get(login.fingerprint)
            if known is None:
                known = self._known[login.fingerprint] = self._ask(login, space)
        if isinstance(known, UnreachableError):
            raise UnreachableError(known.answer, known.detail)
        return known

    def _ask(self, login: GitLogin, space: Workspace) -> str | UnreachableError:
        assert login.app  # noqa: S101 - only logins with an app come here
        try:
            api = githubapp.api(login.app)
            with self._hosts.turn(api, login.proxy) as addresses:
                deadline = self._reach.deadline.within(self._reach.per_host)
                way = Way(api, login, addresses, space.tls_files(login))
                if way.exposed:
                    return UnreachableError(
                        Answer.UNKNOWN, "githubAppBaseURL is plain http: the app was not asked from here"
                    )
                return githubapp.token(way, deadline)
        except UnreachableError as error:
            return error


def _found(
    sources: Sequence[Resource],
    told: Mapping[Ref, VisitResult],
    targets: Mapping[Ref, str],
    taken: datetime,
    *,
    trees: bool,
) -> GitFound:
    made: dict[tuple[int, str | None], Tree] = {}
    found, refs, gaps = {}, {}, []
    for source in sources:
        outcome = told[source.ref]
        if outcome.refs is not None:
            refs[source.ref] = outcome.refs
        if not trees:
            continue
        commit = wanted(source, outcome.refs or {})
        files = outcome.trees.get(commit, "")
        if isinstance(files, str):
            reason = probe_reason(outcome.answer)
            gaps.append(Gap(FileScope(f"git/{source.ref.named}"), reason, _why(outcome, commit, files)))
            continue
        ignore = source.text("spec.ignore") if source.has("spec.ignore") else None
        key = (id(files), ignore)
        if key not in made:
            made[key] = tree_of(files, ignore)
        found[source.ref] = made[key]
    probes = {ref: Probe(targets[ref], outcome.answer, outcome.detail, taken) for ref, outcome in told.items()}
    return GitFound(probes=probes, gaps=tuple(gaps), trees=found, refs=refs)


def _why(outcome: VisitResult, commit: str, files: str) -> str:
    if outcome.answer is not Answer.OK:
        return f"the tree was not fetched: {outcome.detail}"
    if not commit:
        return "the tree was not fetched: spec.ref leads to no commit of the remote"
    return f"the tree of {commit[:12]} was not fetched: {files}"

"""The git collector: how the remote of each GitRepository answers, its refs, and the tree of the revision in use.

Sources with the same URL and login share one visit (``visit``): list the refs with ``git ls-remote``, then fetch the revisions
that the sources use into the cache (``fetch``, ``store``) and read the files from git objects; nothing is checked out.
Only the first visit to a host waits for it: if the host is down, the others fail at once (``hosts``).
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime

from fluxdoctor.collect import temporary
from fluxdoctor.collect.git import githubapp
from fluxdoctor.collect.git import login as logins
from fluxdoctor.collect.git import remote as remotes
from fluxdoctor.collect.git.hosts import Hosts
from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.remote import Remote
from fluxdoctor.collect.git.revision import tree_commit
from fluxdoctor.collect.git.route import Route
from fluxdoctor.collect.git.store import Store
from fluxdoctor.collect.git.visit import Visit, VisitContext, VisitResult, perform, plan
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
class GitResults(SourceResults):
    """The trees and the remote refs by GitRepository, with the probe of each and the gaps."""

    trees: Mapping[Ref, Tree] = field(default_factory=dict)
    refs: Mapping[Ref, Mapping[str, str]] = field(default_factory=dict)


def collect(sources: Sequence[Resource], context: ProbeContext, *, trees: bool = True) -> GitResults:
    """Ask the remotes of GitRepositories, each (URL, login) once, and read the trees of the revisions in use.

    ``trees``: whether to fetch the trees. Never raises because of one source: a failure is in the source's Probe and, if its
    tree is missing, in a Gap. All files that contain a login are removed when it returns, also after an interrupt.
    """
    planned: list[tuple[Resource, Remote, GitLogin]] = []
    results: dict[Ref, VisitResult] = {}
    targets: dict[Ref, str] = {}
    for source in sources:
        try:
            remote = remotes.parse(source.text("spec.url"))
            targets[source.ref] = remote.url
            planned.append((source, remote, logins.read(source, remote, context.vault)))
        except UnreachableError as error:
            targets.setdefault(source.ref, remotes.masked(source.text("spec.url")))
            results[source.ref] = VisitResult(error.answer, error.detail)
    git = shutil.which("git")
    if git is None:
        results |= {source.ref: VisitResult(Answer.UNKNOWN, "git is not on the PATH") for source, _, _ in planned}
    else:
        try:
            results |= _visit_all(plan(planned), context, git, with_trees=trees)
        except OSError as error:
            reason = f"cannot write temporary files: {error.strerror}"
            results |= {source.ref: VisitResult(Answer.UNKNOWN, reason) for source, _, _ in planned}
    return _to_git_results(sources, results, targets, context.taken, with_trees=trees)


def _visit_all(visits: Sequence[Visit], context: ProbeContext, git: str, *, with_trees: bool) -> dict[Ref, VisitResult]:
    results: dict[Ref, VisitResult] = {}
    if not visits:
        return results
    with temporary.folder() as scratch:
        hosts, store = Hosts(context), Store(context.cache, scratch)
        shared = VisitContext(context, git, scratch, hosts, store, with_trees, _Tokens(context, hosts))
        pool = ThreadPoolExecutor(max(1, context.workers), thread_name_prefix="git")
        try:
            pending = {pool.submit(perform, visit, shared): visit for visit in visits}
            _join(pending)
        except BaseException:
            context.deadline.cancel()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        store.prune()
    for future, visit in pending.items():
        result = future.result()
        results |= {source.ref: result for source in visit.sources}
    return results


def _join(pending: Mapping[Future[VisitResult], Visit]) -> None:
    """Wait in short steps, so that Ctrl-C is handled promptly."""
    unfinished = set(pending)
    while unfinished:
        unfinished = wait(unfinished, _TICK).not_done


class _Tokens:
    """The tokens of GitHub Apps: one exchange for each app, done by the first visit that needs it."""

    def __init__(self, context: ProbeContext, hosts: Hosts) -> None:
        self._context, self._hosts = context, hosts
        self._lock = threading.Lock()
        self._by_fingerprint: dict[str, str | UnreachableError] = {}

    def __call__(self, login: GitLogin, space: Workspace) -> str:
        with self._lock:
            token = self._by_fingerprint.get(login.fingerprint)
            if token is None:
                token = self._by_fingerprint[login.fingerprint] = self._exchange(login, space)
        if isinstance(token, UnreachableError):
            raise UnreachableError(token.answer, token.detail)
        return token

    def _exchange(self, login: GitLogin, space: Workspace) -> str | UnreachableError:
        assert login.app  # noqa: S101 - the caller passes only logins with an app
        try:
            api = githubapp.api(login.app)
            with self._hosts.turn(api, login.proxy) as addresses:
                deadline = self._context.deadline.within(self._context.per_host)
                route = Route(api, login, addresses, space.tls_files(login))
                if route.is_exposed:
                    return UnreachableError(
                        Answer.UNKNOWN, "githubAppBaseURL is plain http: the GitHub App was not contacted"
                    )
                return githubapp.token(route, deadline)
        except UnreachableError as error:
            return error


def _to_git_results(
    sources: Sequence[Resource],
    results: Mapping[Ref, VisitResult],
    targets: Mapping[Ref, str],
    probed_at: datetime,
    *,
    with_trees: bool,
) -> GitResults:
    parsed_trees: dict[tuple[int, str | None], Tree] = {}
    trees, refs, gaps = {}, {}, []
    for source in sources:
        result = results[source.ref]
        if result.refs is not None:
            refs[source.ref] = result.refs
        if not with_trees:
            continue
        commit = tree_commit(source, result.refs or {})
        files = result.trees.get(commit, "")
        if isinstance(files, str):
            reason = probe_reason(result.answer)
            gaps.append(Gap(FileScope(f"git/{source.ref.named}"), reason, _tree_gap_text(result, commit, files)))
            continue
        ignore = source.text("spec.ignore") if source.has("spec.ignore") else None
        key = (id(files), ignore)
        if key not in parsed_trees:
            parsed_trees[key] = tree_of(files, ignore)
        trees[source.ref] = parsed_trees[key]
    probes = {ref: Probe(targets[ref], result.answer, result.detail, probed_at) for ref, result in results.items()}
    return GitResults(probes=probes, gaps=tuple(gaps), trees=trees, refs=refs)


def _tree_gap_text(result: VisitResult, commit: str, failure: str) -> str:
    if result.answer is not Answer.OK:
        return f"the tree was not fetched: {result.detail}"
    if not commit:
        return "the tree was not fetched: spec.ref matches no commit of the remote"
    return f"the tree of {commit[:12]} was not fetched: {failure}"

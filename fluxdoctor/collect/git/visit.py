"""Visits one remote once with one login: lists its refs and reads the trees of the revisions that the sources use."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fluxdoctor.collect.git import answers, githubapp, redirect, revision
from fluxdoctor.collect.git.fetch import Fetcher
from fluxdoctor.collect.git.hosts import Hosts
from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.remote import Remote
from fluxdoctor.collect.git.route import Route
from fluxdoctor.collect.git.store import Store
from fluxdoctor.collect.git.workspace import REMOTE, Workspace, authorization
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.net.deadline import Deadline, DeadlineError
from fluxdoctor.collect.net.process import Done, Limits, TooMuchError
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Resource

_MOST_REFS = 64 * 1024 * 1024


@dataclass(frozen=True)
class VisitContext:
    """The state that all visits of a run share."""

    context: ProbeContext
    git: str
    scratch: Path
    hosts: Hosts
    store: Store
    needs_trees: bool
    tokens: Callable[[GitLogin, Workspace], str]


@dataclass(frozen=True)
class Visit:
    """A remote, a login, and the objects that share both."""

    remote: Remote
    login: GitLogin
    sources: tuple[Resource, ...]


@dataclass(frozen=True)
class VisitResult:
    """How the remote answered; its refs (None if unknown), and by commit the files of its tree or why they are missing."""

    answer: Answer
    detail: str
    refs: Mapping[str, str] | None = None
    trees: Mapping[str, Mapping[str, bytes] | str] = field(default_factory=dict)


def perform(visit: Visit, shared: VisitContext) -> VisitResult:
    """Visit a remote. Every failure is in the result; nothing is raised."""
    context = shared.context
    if context.deadline.over():
        return VisitResult(Answer.UNKNOWN, "the run ended before it was contacted")
    context.progress(f"git: {visit.remote.url}")
    with tempfile.TemporaryDirectory(prefix="remote-", dir=shared.scratch, ignore_cleanup_errors=True) as folder:
        visitor = _Visitor(visit, shared, Workspace(Path(folder), shared.git))
        try:
            return visitor.run()
        except UnreachableError as error:
            return VisitResult(error.answer, error.detail)
        except DeadlineError:
            return VisitResult(Answer.UNKNOWN, "the run ended before it answered")
        except Exception as error:  # noqa: BLE001 - one remote must not end the run; the text might contain a login
            return VisitResult(Answer.UNKNOWN, f"the collector failed: {type(error).__name__}")


class _Visitor:
    """The steps of a visit."""

    def __init__(self, visit: Visit, shared: VisitContext, space: Workspace) -> None:
        self.login, self._sources = visit.login, visit.sources
        self._remote, self._shared, self._space, self._context = visit.remote, shared, space, shared.context

    def run(self) -> VisitResult:
        if self.login.app:
            token = self._shared.tokens(self.login, self._space)
            self.login = replace(self.login, username=githubapp.USER, password=token)
        with self._shared.hosts.turn(self._remote, self.login.proxy) as addresses:
            route = Route(self._remote, self.login, addresses, self._space.tls_files(self.login))
            # The controller sends credentials over plain http inside its cluster; from here they would cross other networks.
            if route.is_exposed and authorization(self.login):
                raise UnreachableError(Answer.UNKNOWN, "credentials are not sent over plain http from here")
            route, refs = self._refs(route)
        if not refs:
            return VisitResult(Answer.EMPTY, "the repository has no commit", {})
        refs = revision.bounded_refs(refs, map(revision.ref_name, self._sources))
        return VisitResult(Answer.OK, _ref_counts(refs), refs, self._trees(refs) if self._shared.needs_trees else {})

    def _refs(self, route: Route) -> tuple[Route, dict[str, str]]:
        """List the refs. Follows a redirect to the same service once."""
        deadline = self._deadline()
        done = self._list(route, deadline)
        if done.code and answers.is_redirect(done.err):
            route = replace(route, remote=redirect.follow(route, deadline))
            done = self._list(route, deadline)
        if done.code:
            raise self._failure(route, done)
        refs = revision.read_refs(done.out)
        if not refs and route.remote.scheme != "ssh" and not redirect.speaks_git(route, deadline):
            raise UnreachableError(Answer.MALFORMED, "the answer is not from a git server")
        return route, refs

    def _list(self, route: Route, deadline: Deadline) -> Done:
        self._space.online(route, deadline.left())
        try:
            return self._space.run(Limits(deadline, _MOST_REFS), "ls-remote", "--quiet", "--", REMOTE, online=True)
        except DeadlineError:
            self._context.deadline.check()
            raise UnreachableError(Answer.TIMEOUT, f"no answer within {self._context.per_host:.0f} s") from None
        except TooMuchError:
            raise UnreachableError(Answer.TOO_LARGE, f"its list of refs is larger than {_MOST_REFS} bytes") from None
        except OSError as error:
            raise UnreachableError(Answer.UNKNOWN, f"git cannot be started: {error.strerror}") from None

    def _deadline(self) -> Deadline:
        self._context.deadline.check()
        return self._context.deadline.within(self._context.per_host)

    def _failure(self, route: Route, done: Done) -> UnreachableError:
        answer, line = answers.classify(done.err)
        if route.login.proxy and answer in (Answer.DNS, Answer.REFUSED):
            answer = Answer.PROXY
        is_unclear = answer in (Answer.TLS, Answer.UNKNOWN, Answer.REFUSED)
        if is_unclear and route.remote.scheme == "https" and not route.login.proxy:
            tls_failure, detail = answers.handshake_failure(route, self._deadline())
            if tls_failure is not Answer.UNKNOWN:
                answer, line = tls_failure, detail
        if answer is Answer.HOST_KEY_MISMATCH:
            line = answers.presented_key(done.err) or line
        return UnreachableError(answer, answers.plain_text(answer, line, route.login))

    def _trees(self, refs: Mapping[str, str]) -> dict[str, Mapping[str, bytes] | str]:
        commits = dict.fromkeys(filter(None, (revision.tree_commit(source, refs) for source in self._sources)))
        fetcher = Fetcher(self._space, self._shared.store, self._remote, self.login, self._deadline)
        return {commit: fetcher.files(commit, refs) for commit in commits}


def _ref_counts(refs: Mapping[str, str]) -> str:
    heads = sum(name.startswith(revision.HEADS) for name in refs)
    tags = sum(name.startswith(revision.TAGS) and not name.endswith(revision.PEELED) for name in refs)
    return f"{heads} {'branch' if heads == 1 else 'branches'}, {tags} {'tag' if tags == 1 else 'tags'}"


def plan(logins: Sequence[tuple[Resource, Remote, GitLogin]]) -> list[Visit]:
    """Group the sources by URL and login into visits. The first visit to each service comes before all second ones."""
    groups: dict[tuple[str, str], list[tuple[Resource, Remote, GitLogin]]] = {}
    for source, remote, login in logins:
        groups.setdefault((remote.url, login.fingerprint), []).append((source, remote, login))
    visits_by_service: dict[tuple[str, str, int], int] = {}
    numbered = []
    for group in groups.values():
        _, remote, login = group[0]
        number = visits_by_service[remote.service] = visits_by_service.get(remote.service, 0) + 1
        numbered.append((number, Visit(remote, login, tuple(source for source, _, _ in group))))
    return [visit for _, visit in sorted(numbered, key=lambda pair: pair[0])]

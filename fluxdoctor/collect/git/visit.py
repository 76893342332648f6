"""One remote, asked once with one login: its refs, and the trees of the revisions that objects name."""

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
from fluxdoctor.collect.git.store import Store
from fluxdoctor.collect.git.way import Way
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
    """What all visits of a run share."""

    reach: ProbeContext
    git: str
    scratch: Path
    hosts: Hosts
    store: Store
    trees: bool
    tokens: Callable[[GitLogin, Workspace], str]


@dataclass(frozen=True)
class Visit:
    """A remote, a login, and the objects that share both."""

    remote: Remote
    login: GitLogin
    sources: tuple[Resource, ...]


@dataclass(frozen=True)
class VisitResult:
    """How the remote answered; its refs (None: not told), and by commit the files of a tree or why there are none."""

    answer: Answer
    detail: str
    refs: Mapping[str, str] | None = None
    trees: Mapping[str, Mapping[str, bytes] | str] = field(default_factory=dict)


def ask(asked: Visit, shared: VisitContext) -> VisitResult:
    """Ask a remote. Whatever goes wrong is in the Outcome, never an exception."""
    reach = shared.reach
    if reach.deadline.over():
        return VisitResult(Answer.UNKNOWN, "the time for this run was over before it was asked")
    reach.progress(f"git: {asked.remote.url}")
    with tempfile.TemporaryDirectory(prefix="remote-", dir=shared.scratch, ignore_cleanup_errors=True) as folder:
        visitor = _Visitor(asked, shared, Workspace(Path(folder), shared.git))
        try:
            return visitor.outcome()
        except UnreachableError as error:
            return VisitResult(error.answer, error.detail)
        except DeadlineError:
            return VisitResult(Answer.UNKNOWN, "the time for this run was over before it answered")
        except Exception as error:  # noqa: BLE001 - one remote must not end the run; the text might quote a login
            return VisitResult(Answer.UNKNOWN, f"the collector failed: {type(error).__name__}")


class _Visitor:
    """The steps of a visit."""

    def __init__(self, asked: Visit, shared: VisitContext, space: Workspace) -> None:
        self.login, self._sources = asked.login, asked.sources
        self._remote, self._shared, self._space, self._reach = asked.remote, shared, space, shared.reach

    def outcome(self) -> VisitResult:
        if self.login.app:
            token = self._shared.tokens(self.login, self._space)
            self.login = replace(self.login, username=githubapp.USER, password=token)
        with self._shared.hosts.turn(self._remote, self.login.proxy) as addresses:
            way = Way(self._remote, self.login, addresses, self._space.tls_files(self.login))
            # The controller sends logins over plain http inside its cluster; from here they would cross other networks.
            if way.exposed and authorization(self.login):
                raise UnreachableError(Answer.UNKNOWN, "a login is not sent over plain http from here")
            way, refs = self._refs(way)
        if not refs:
            return VisitResult(Answer.EMPTY, "the repository has no commit", {})
        refs = revision.kept(refs, map(revision.named, self._sources))
        return VisitResult(Answer.OK, _seen(refs), refs, self._trees(refs) if self._shared.trees else {})

    def _refs(self, way: Way) -> tuple[Way, dict[str, str]]:
        """List the refs; a redirect to the same service is followed once."""
        deadline = self._deadline()
        done = self._list(way, deadline)
        if done.code and answers.redirected(done.err):
            way = replace(way, remote=redirect.follow(way, deadline))
            done = self._list(way, deadline)
        if done.code:
            raise self._failure(way, done)
        refs = revision.read_refs(done.out)
        if not refs and way.remote.scheme != "ssh" and not redirect.speaks_git(way, deadline):
            raise UnreachableError(Answer.MALFORMED, "the answer is not that of a git server")
        return way, refs

    def _list(self, way: Way, deadline: Deadline) -> Done:
        self._space.online(way, deadline.left())
        try:
            return self._space.run(Limits(deadline, _MOST_REFS), "ls-remote", "--quiet", "--", REMOTE, online=True)
        except DeadlineError:
            self._reach.deadline.check()
            raise UnreachableError(Answer.TIMEOUT, f"no answer within {self._reach.per_host:.0f} s") from None
        except TooMuchError:
            raise UnreachableError(Answer.TOO_LARGE, f"its list of refs is larger than {_MOST_REFS} bytes") from None
        except OSError as error:
            raise UnreachableError(Answer.UNKNOWN, f"git could not be started: {error.strerror}") from None

    def _deadline(self) -> Deadline:
        self._reach.deadline.check()
        return self._reach.deadline.within(self._reach.per_host)

    def _failure(self, way: Way, done: Done) -> UnreachableError:
        answer, line = answers.classify(done.err)
        if way.login.proxy and answer in (Answer.DNS, Answer.REFUSED):
            answer = Answer.PROXY
        unclear = answer in (Answer.TLS, Answer.UNKNOWN, Answer.REFUSED)
        if unclear and way.remote.scheme == "https" and not way.login.proxy:
            clear, why = answers.handshake(way, self._deadline())
            if clear is not Answer.UNKNOWN:
                answer, line = clear, why
        if answer is Answer.HOST_KEY_MISMATCH:
            line = answers.shown_key(done.err) or line
        return UnreachableError(answer, answers.plainly(answer, line, way.login))

    def _trees(self, refs: Mapping[str, str]) -> dict[str, Mapping[str, bytes] | str]:
        commits = dict.fromkeys(filter(None, (revision.wanted(source, refs) for source in self._sources)))
        fetcher = Fetcher(self._space, self._shared.store, self._remote, self.login, self._deadline)
        return {commit: fetcher.files(commit, refs) for commit in commits}


def _seen(refs: Mapping[str, str]) -> str:
    heads = sum(name.startswith(revision.HEADS) for name in refs)
    tags = sum(name.startswith(revision.TAGS) and not name.endswith(revision.PEELED) for name in refs)
    return f"{heads} {'branch' if heads == 1 else 'branches'}, {tags} {'tag' if tags == 1 else 'tags'}"


def plan(found: Sequence[tuple[Resource, Remote, GitLogin]]) -> list[Visit]:
    """Make one visit of all objects with one URL and one login; the first of each host come first."""
    groups: dict[tuple[str, str], list[tuple[Resource, Remote, GitLogin]]] = {}
    for row in found:
        groups.setdefault((row[1].url, row[2].fingerprint), []).append(row)
    turns: dict[tuple[str, str, int], int] = {}
    ordered = []
    for rows in groups.values():
        service = rows[0][1].service
        turns[service] = turns.get(service, 0) + 1
        ordered.append((turns[service], Visit(rows[0][1], rows[0][2], tuple(row[0] for row in rows))))
    return [asked for _, asked in sorted(ordered, key=lambda row: row[0])]

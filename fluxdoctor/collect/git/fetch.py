"""The files of a revision: from the cache, else fetched shallow and without blobs, then those blobs that rules read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fluxdoctor.collect.git import answers, blobs, objects, revision
from fluxdoctor.collect.git.blobs import UnreadableError
from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.objects import TreeEntry, TreeTooLargeError
from fluxdoctor.collect.git.remote import Remote
from fluxdoctor.collect.git.store import Store, size
from fluxdoctor.collect.git.workspace import REMOTE, Workspace
from fluxdoctor.collect.net.deadline import Deadline, DeadlineError
from fluxdoctor.collect.net.process import Done, Limits, TooMuchError

_MOST_ON_DISK = 512 * 1024 * 1024
_SHA1 = 40
_QUIET = (
    "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules",
)  # fmt: skip
#: A server that cannot leave blobs out sends them all; one that will not give an object by its name gives a ref.
_NO_FILTER = ("-c", f"remote.{REMOTE}.promisor=false", "-c", f"remote.{REMOTE}.partialCloneFilter=")


class _FetchError(Exception):
    """The remote did not give what was asked for; the text says why."""


class Fetcher:
    """Fetches from one remote, into repositories of one revision each."""

    def __init__(
        self, space: Workspace, store: Store, remote: Remote, login: GitLogin, deadline: Callable[[], Deadline]
    ) -> None:
        """``deadline`` gives the time for one step, or raises DeadlineError when the run is over."""
        self._space, self._store, self._deadline = space, store, deadline
        self._remote, self._login = remote, login

    def files(self, commit: str, refs: Mapping[str, str]) -> Mapping[str, bytes] | str:
        """Return the files of a revision, b"" for those that no rule reads; or why they cannot be had."""
        try:
            if place := self._store.find(self._remote, self._login, commit):
                try:
                    return self._read(place, commit)
                except UnreadableError:
                    self._store.drop(place)
            return self._fetched(commit, refs)
        except (_FetchError, UnreadableError, TreeTooLargeError) as error:
            return str(error)
        except TooMuchError:
            return f"it is larger than {_MOST_ON_DISK} bytes"
        except DeadlineError:
            return "the time for it was over"
        except OSError as error:
            return f"it could not be kept here: {error.strerror}"

    def _fetched(self, commit: str, refs: Mapping[str, str]) -> Mapping[str, bytes]:
        """Fetch into the cache; where that fails, outside of it.

        Somebody may have cleared the cache meanwhile, or its disk is full: git's words for that are many, and some are
        those for a bad answer. A remote that really fails is asked twice, which is seldom, for it has just told its refs.
        """
        with contextlib.suppress(OSError, UnreadableError, _FetchError):
            if made := self._store.new():
                return self._into(made, commit, refs)
        return self._into(self._store.scratch(), commit, refs)

    def _into(self, made: Path, commit: str, refs: Mapping[str, str]) -> Mapping[str, bytes]:
        try:
            self._fill(made, commit, refs)
            return self._read(self._store.keep(made, self._remote, self._login, commit), commit)
        finally:
            self._store.drop(made)

    def _fill(self, made: Path, commit: str, refs: Mapping[str, str]) -> None:
        """Fetch the trees, then the blobs; where the server cannot, everything at once."""
        kind = "sha1" if len(commit) == _SHA1 else "sha256"
        init = self._git(made, "init", "--quiet", "--bare", f"--object-format={kind}", "--template=")
        if init.code:
            raise UnreadableError("a repository could not be made here")
        said = self._commit(made, commit, refs, filtered=True)
        listed = objects.entries(self._space, made, commit, self._deadline())
        chosen = objects.wanted(listed)
        objects.check(chosen, {})
        missing = self._missing(made, chosen)
        if missing:
            done = self._git(
                made, "-c", "fetch.negotiationAlgorithm=noop", "fetch", *_QUIET, "--filter=blob:none", "--stdin", "--",
                REMOTE, stdin="".join(f"{blob}\n" for blob in missing).encode(),
            )  # fmt: skip
            if done.code and not _by_name_refused(done.err):
                raise self._failure(done)
            if done.code or self._missing(made, chosen):
                self._commit(made, commit, refs, filtered=False)
        if self._missing(made, chosen):
            raise _FetchError(f"the server does not give the files of {commit}{said}")

    def _commit(self, made: Path, commit: str, refs: Mapping[str, str], *, filtered: bool) -> str:
        """Fetch one commit by its name, else by a ref that leads to it; return why it had to be the latter."""
        done = self._shallow(made, commit, filtered=filtered)
        if not done.code:
            return ""
        if not _by_name_refused(done.err):
            raise self._failure(done)
        name = next((n.removesuffix(revision.PEELED) for n, c in refs.items() if c == commit and n != "HEAD"), "")
        if not name:
            raise _FetchError(f"the server does not give {commit}, and none of its branches and tags is there any more")
        done = self._shallow(made, name, filtered=filtered)
        if done.code:
            raise self._failure(done)
        return ", asked by name"

    def _shallow(self, made: Path, name: str, *, filtered: bool) -> Done:
        how = ("--filter=blob:none",) if filtered else ("--refetch",)
        before = () if filtered else _NO_FILTER
        return self._git(made, *before, "fetch", *_QUIET, "--depth=1", *how, "--", REMOTE, name)

    def _failure(self, done: Done) -> _FetchError:
        answer, line = answers.classify(done.err)
        return _FetchError(answers.plainly(answer, line, self._login))

    def _missing(self, made: Path, chosen: Sequence[TreeEntry]) -> list[str]:
        wanted = list(dict.fromkeys(entry.blob for entry in chosen))
        there = blobs.sizes(self._space, made, wanted, self._deadline())
        return [blob for blob in wanted if blob not in there]

    def _read(self, place: Path, commit: str) -> Mapping[str, bytes]:
        listed = objects.entries(self._space, place, commit, self._deadline())
        chosen = objects.wanted(listed)
        wanted = list(dict.fromkeys(entry.blob for entry in chosen))
        objects.check(chosen, blobs.sizes(self._space, place, wanted, self._deadline()))
        content = blobs.contents(self._space, place, wanted, self._deadline())
        return {**{entry.path: b"" for entry in listed}, **{entry.path: content[entry.blob] for entry in chosen}}

    def _git(self, made: Path, *arguments: str, stdin: bytes = b"") -> Done:
        limits = Limits(self._deadline(), grown=lambda: size(made) > _MOST_ON_DISK)
        return self._space.run(limits, f"--git-dir={made}", *arguments, online=True, stdin=stdin)


def _by_name_refused(said: str) -> bool:
    return "unadvertised object" in said or "not our ref" in said or "could not parse" in said

"""Gets the files of a revision: from the cache, else by a shallow fetch without blobs and a fetch of those that rules read."""

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
#: For a server that cannot filter out blobs: it sends them all.
_NO_FILTER = ("-c", f"remote.{REMOTE}.promisor=false", "-c", f"remote.{REMOTE}.partialCloneFilter=")


class _FetchError(Exception):
    """The remote did not send what was requested; the text says why."""


class Fetcher:
    """Fetches from one remote, into one repository per revision."""

    def __init__(
        self, space: Workspace, store: Store, remote: Remote, login: GitLogin, deadline: Callable[[], Deadline]
    ) -> None:
        """``deadline`` returns the time for one step, or raises DeadlineError if the run is over."""
        self._space, self._store, self._deadline = space, store, deadline
        self._remote, self._login = remote, login

    def files(self, commit: str, refs: Mapping[str, str]) -> Mapping[str, bytes] | str:
        """Return the files of a revision, b"" for those that no rule reads; or the reason why they cannot be read."""
        try:
            if cached := self._store.find(self._remote, self._login, commit):
                try:
                    return self._read(cached, commit)
                except UnreadableError:
                    self._store.drop(cached)
            return self._fetch(commit, refs)
        except (_FetchError, UnreadableError, TreeTooLargeError) as error:
            return str(error)
        except TooMuchError:
            return f"it is larger than {_MOST_ON_DISK} bytes"
        except DeadlineError:
            return "timed out"
        except OSError as error:
            return f"cannot store it: {error.strerror}"

    def _fetch(self, commit: str, refs: Mapping[str, str]) -> Mapping[str, bytes]:
        """Fetch into the cache; if that fails, into a scratch folder.

        Another process may have cleared the cache meanwhile, or its disk may be full. git has many messages for that, and some
        also mean a bad answer of the remote, so any failure leads to a second fetch. A remote that really fails is asked
        twice, which is rare: it has just listed its refs.
        """
        with contextlib.suppress(OSError, UnreadableError, _FetchError):
            if new_repository := self._store.new():
                return self._fetch_into(new_repository, commit, refs)
        return self._fetch_into(self._store.scratch(), commit, refs)

    def _fetch_into(self, repository: Path, commit: str, refs: Mapping[str, str]) -> Mapping[str, bytes]:
        try:
            self._fill(repository, commit, refs)
            return self._read(self._store.install(repository, self._remote, self._login, commit), commit)
        finally:
            self._store.drop(repository)

    def _fill(self, repository: Path, commit: str, refs: Mapping[str, str]) -> None:
        """Fetch the trees, then the blobs; if the server cannot send them apart, everything at once."""
        object_format = "sha1" if len(commit) == _SHA1 else "sha256"
        init = self._git(repository, "init", "--quiet", "--bare", f"--object-format={object_format}", "--template=")
        if init.code:
            raise UnreadableError("cannot create a local repository")
        note = self._fetch_commit(repository, commit, refs, is_filtered=True)
        entries = objects.entries(self._space, repository, commit, self._deadline())
        files = objects.rule_files(entries)
        objects.check(files, {})
        missing = self._missing_blobs(repository, files)
        if missing:
            done = self._git(
                repository, "-c", "fetch.negotiationAlgorithm=noop", "fetch", *_QUIET, "--filter=blob:none", "--stdin", "--",
                REMOTE, stdin="".join(f"{blob}\n" for blob in missing).encode(),
            )  # fmt: skip
            if done.code and not _refuses_object_ids(done.err):
                raise self._failure(done)
            if done.code or self._missing_blobs(repository, files):
                self._fetch_commit(repository, commit, refs, is_filtered=False)
        if self._missing_blobs(repository, files):
            raise _FetchError(f"the server does not send the files of {commit}{note}")

    def _fetch_commit(self, repository: Path, commit: str, refs: Mapping[str, str], *, is_filtered: bool) -> str:
        """Fetch one commit by its id, else by a ref that points to it; return a note about the latter for error messages."""
        done = self._fetch_shallow(repository, commit, is_filtered=is_filtered)
        if not done.code:
            return ""
        if not _refuses_object_ids(done.err):
            raise self._failure(done)
        ref = next((n.removesuffix(revision.PEELED) for n, c in refs.items() if c == commit and n != "HEAD"), "")
        if not ref:
            raise _FetchError(f"the server does not send {commit}, and no branch or tag points to it any more")
        done = self._fetch_shallow(repository, ref, is_filtered=is_filtered)
        if done.code:
            raise self._failure(done)
        return ", requested by ref"

    def _fetch_shallow(self, repository: Path, name: str, *, is_filtered: bool) -> Done:
        filter_options = ("--filter=blob:none",) if is_filtered else ("--refetch",)
        configuration = () if is_filtered else _NO_FILTER
        return self._git(repository, *configuration, "fetch", *_QUIET, "--depth=1", *filter_options, "--", REMOTE, name)

    def _failure(self, done: Done) -> _FetchError:
        answer, line = answers.classify(done.err)
        return _FetchError(answers.plain_text(answer, line, self._login))

    def _missing_blobs(self, repository: Path, entries: Sequence[TreeEntry]) -> list[str]:
        blob_ids = list(dict.fromkeys(entry.blob for entry in entries))
        local_sizes = blobs.sizes(self._space, repository, blob_ids, self._deadline())
        return [blob for blob in blob_ids if blob not in local_sizes]

    def _read(self, repository: Path, commit: str) -> Mapping[str, bytes]:
        entries = objects.entries(self._space, repository, commit, self._deadline())
        files = objects.rule_files(entries)
        blob_ids = list(dict.fromkeys(entry.blob for entry in files))
        objects.check(files, blobs.sizes(self._space, repository, blob_ids, self._deadline()))
        content_by_blob = blobs.contents(self._space, repository, blob_ids, self._deadline())
        return {
            **{entry.path: b"" for entry in entries},
            **{entry.path: content_by_blob[entry.blob] for entry in files},
        }

    def _git(self, repository: Path, *arguments: str, stdin: bytes = b"") -> Done:
        limits = Limits(self._deadline(), grown=lambda: size(repository) > _MOST_ON_DISK)
        return self._space.run(limits, f"--git-dir={repository}", *arguments, online=True, stdin=stdin)


def _refuses_object_ids(errors: str) -> bool:
    return "unadvertised object" in errors or "not our ref" in errors or "could not parse" in errors

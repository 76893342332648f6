"""Reads the blobs of a repository through GitPython's object database: one `git cat-file` process for all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fluxdoctor.collect.git.workspace import Workspace
from fluxdoctor.collect.net.deadline import Deadline

if TYPE_CHECKING:
    from git.db import GitCmdObjectDB


class UnreadableError(Exception):
    """A repository lacks objects: they were deleted or damaged during the run, or never sent."""


def sizes(space: Workspace, repository: Path, blobs: Sequence[str], deadline: Deadline) -> Mapping[str, int]:
    """Return the size in bytes of each blob that exists. Raises UnreadableError, and DeadlineError if the time is over."""
    size_by_blob: dict[str, int] = {}
    with _database(space, repository) as database:
        for blob in blobs:
            deadline.check()
            try:
                size_by_blob[blob] = database.info(bytes.fromhex(blob)).size
            except ValueError:
                continue  # git answered that the blob is missing
    return size_by_blob


def contents(space: Workspace, repository: Path, blobs: Sequence[str], deadline: Deadline) -> Mapping[str, bytes]:
    """Return the content of each blob. Raises UnreadableError if a blob is missing, DeadlineError if the time is over."""
    content_by_blob: dict[str, bytes] = {}
    with _database(space, repository) as database:
        for blob in blobs:
            deadline.check()
            try:
                stream = database.stream(bytes.fromhex(blob))
                content_by_blob[blob] = stream.read()
            except ValueError:
                raise UnreadableError("an object is missing") from None
            if stream.type != b"blob":
                raise UnreadableError("an object has another type than its tree says")
    return content_by_blob


@contextmanager
def _database(space: Workspace, repository: Path) -> Iterator[GitCmdObjectDB]:
    """Open the objects of a repository.

    GitPython cannot remove variables from the environment that git inherits, so each of them is overridden.
    """
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # no warning if git is missing: the collector reports that
    from git import GitCommandError, InvalidGitRepositoryError, NoSuchPathError, Repo

    try:
        repo = Repo(repository)
    except (InvalidGitRepositoryError, NoSuchPathError, OSError):
        raise UnreadableError("its objects cannot be read") from None
    repo.git.update_environment(**space.offline(repository))
    try:
        yield repo.odb
    except (GitCommandError, OSError):
        raise UnreadableError("its objects cannot be read") from None
    finally:
        repo.close()

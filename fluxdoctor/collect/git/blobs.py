"""The blobs of a repository, read through GitPython's object database: one `git cat-file` for all of them."""

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
    """A repository whose objects are not all there: deleted or damaged under our hands, or not sent."""


def sizes(space: Workspace, repository: Path, blobs: Sequence[str], deadline: Deadline) -> Mapping[str, int]:
    """Return the size of each blob that is there. Raises UnreadableError, and DeadlineError when the time is over."""
    found: dict[str, int] = {}
    with _database(space, repository) as database:
        for blob in blobs:
            deadline.check()
            try:
                found[blob] = database.info(bytes.fromhex(blob)).size
            except ValueError:
                continue  # git has answered that it is missing
    return found


def contents(space: Workspace, repository: Path, blobs: Sequence[str], deadline: Deadline) -> Mapping[str, bytes]:
    """Return the content of each blob. Raises UnreadableError where one is not there, and DeadlineError."""
    found: dict[str, bytes] = {}
    with _database(space, repository) as database:
        for blob in blobs:
            deadline.check()
            try:
                stream = database.stream(bytes.fromhex(blob))
                found[blob] = stream.read()
            except ValueError:
                raise UnreadableError("an object is missing") from None
            if stream.type != b"blob":
                raise UnreadableError("an object is not what the tree says")
    return found


@contextmanager
def _database(space: Workspace, repository: Path) -> Iterator[GitCmdObjectDB]:
    """Open the objects of a repository. What git inherits from our caller is overruled: GitPython cannot take it out."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # no warning where git is missing: that is told in our words
    from git import GitCommandError, InvalidGitRepositoryError, NoSuchPathError, Repo

    try:
        opened = Repo(repository)
    except (InvalidGitRepositoryError, NoSuchPathError, OSError):
        raise UnreadableError("its objects cannot be read") from None
    opened.git.update_environment(**space.offline(repository))
    try:
        yield opened.odb
    except (GitCommandError, OSError):
        raise UnreadableError("its objects cannot be read") from None
    finally:
        opened.close()

"""What could not be read, and why, as data: code decides by scope and reason, and the sentence is only for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from fluxdoctor.model.resource import Ref


class GapReason(StrEnum):
    """Why something is unknown."""

    FORBIDDEN = "forbidden"
    """The user is authenticated, but is not allowed to read it."""
    UNAUTHORIZED = "unauthorized"
    """The login failed."""
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    """The server does not respond, or responds with an error."""
    NOT_SERVED = "not-served"
    """The API server does not serve the kind."""
    NOT_LISTED = "not-listed"
    """The kind was not listed."""
    NOT_COLLECTED = "not-collected"
    """It was not requested, or it is left out of a snapshot."""
    TOO_LARGE = "too-large"
    """A limit of fluxdoctor was reached."""
    MALFORMED = "malformed"
    """It was read, but is damaged or has the wrong format."""
    CONFLICTING = "conflicting"
    """Two sources contradict each other."""
    DECIDED_ELSEWHERE = "decided-elsewhere"
    """Another repository, a controller or a person may create it."""

    @property
    def is_denied(self) -> bool:
        """Tell whether more permissions would show it."""
        return self in (GapReason.FORBIDDEN, GapReason.UNAUTHORIZED)


class KindScope(NamedTuple):
    """Every object of a kind, or those in one namespace."""

    kind: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}" if self.namespace else self.kind


class FileScope(NamedTuple):
    """A file or folder, by its path in the snapshot or the repository. ``item``: a part of it, "" for all of it."""

    path: str
    item: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.item}".rstrip()


class StepScope(NamedTuple):
    """A step of the run, such as the discovery of an API group or a build."""

    step: str

    def __str__(self) -> str:
        return self.step


Scope: TypeAlias = Ref | KindScope | FileScope | StepScope


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be read. ``detail`` is a sentence for people; decisions use ``scope`` and ``reason``."""

    scope: Scope
    reason: GapReason
    detail: str = ""

    def __lt__(self, other: Gap) -> bool:
        return (str(self.scope), self.reason, self.detail) < (str(other.scope), other.reason, other.detail)

    def __str__(self) -> str:
        return f"{self.scope}: {self.why}"

    def is_below(self, folder: str) -> bool:
        """Tell whether it is a file below a folder of the snapshot, such as ``cluster/``."""
        return isinstance(self.scope, FileScope) and self.scope.path.startswith(folder)

    @property
    def why(self) -> str:
        """The detail, or the reason itself if there is none."""
        return self.detail or self.reason.replace("-", " ")

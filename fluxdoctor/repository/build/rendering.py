"""What a build of a directory gave."""

from __future__ import annotations

from dataclasses import dataclass

from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.origins import Origin


@dataclass(frozen=True)
class Rendering:
    """The documents of a build. ``error`` is why the real build fails; the documents are then those of the rest."""

    documents: tuple[BuiltDocument, ...] = ()
    origins: tuple[Origin | None, ...] = ()
    """Where each document comes from."""
    error: str = ""
    reason: str = "BuildFailed"
    partial: bool = False
    """Something is not among the documents: a remote base, or what a fault hides."""
    raw: bool = False
    """Nothing could be built: look at the files instead."""
    changed: frozenset[tuple[str, str]] | None = None
    """Of ``raw``: the kinds and names that a build would make other than they are written; None: it may be all."""
    files: frozenset[str] = frozenset()
    """What the build reads."""
    stopped: str = ""
    """Why the build was not let come to its end."""

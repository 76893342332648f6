"""The result of building a directory."""

from __future__ import annotations

from dataclasses import dataclass

from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.origins import Origin


@dataclass(frozen=True)
class Rendering:
    """The documents of a build, and what is unknown of them."""

    documents: tuple[BuiltDocument, ...] = ()
    """If the build fails: those of the rest, built without the faulty entries."""
    origins: tuple[Origin | None, ...] = ()
    """The file and document that each of ``documents`` is made of."""
    error: str = ""
    """Why the controller's build fails, in its words; "" if it succeeds."""
    reason: str = "BuildFailed"
    """The reason of the Ready condition that goes with ``error``."""
    is_partial: bool = False
    """Some objects are missing from ``documents``: those of a remote base, or those that a fault hides."""
    is_raw: bool = False
    """Nothing could be built: the files must be read as written instead."""
    changed_names: frozenset[tuple[str, str]] | None = None
    """If ``is_raw``: the kinds and names of objects that a build would change; None: it may change any."""
    files: frozenset[str] = frozenset()
    """The files that the build reads."""
    stop_reason: str = ""
    """Why fluxdoctor stopped the build before its end; "" if it did not."""

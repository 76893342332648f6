"""The baseline file: accepted findings, which are not shown and do not fail a run. One entry per line keeps diffs readable.

An entry matches by fingerprint (rule, object and key) and cluster, so it still matches after lines move and files are renamed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fluxdoctor.model.finding import Finding
from fluxdoctor.settings.values import SettingsError

FORMAT = 1
_AGAIN = "create a new one with --write-baseline"


@dataclass(frozen=True, slots=True, order=True)
class BaselineEntry:
    """An accepted finding: its identity, and what a reader of the file needs. ``cluster`` is "" for a live cluster."""

    rule: str
    object: str
    cluster: str
    message: str
    fingerprint: str

    @property
    def identity(self) -> tuple[str, str]:
        """The key by which a later run matches the entry."""
        return self.fingerprint, self.cluster


@dataclass(frozen=True)
class Baseline:
    """The entries of a file; ``name`` is the file's name in reports."""

    name: str
    entries: tuple[BaselineEntry, ...]

    def line(self, entry: BaselineEntry) -> int:
        """Return the 1-based line of an entry: the first entry follows the line that opens the list."""
        return _HEAD.count("\n") + 1 + self.entries.index(entry)


_HEAD = f'{{"fluxdoctor-baseline": {FORMAT},\n "findings": [\n'


def entry(finding: Finding, cluster: str) -> BaselineEntry:
    """Return the entry of a finding."""
    return BaselineEntry(finding.rule, str(finding.subject), cluster, finding.message, finding.fingerprint)


def identities(finding: Finding, cluster: str) -> frozenset[tuple[str, str]]:
    """Return every identity that an entry for this finding may have.

    If several objects share a cause, any of them may be the subject, and that may change from run to run.
    """
    refs = (finding.subject, *finding.also)
    return frozenset((replace(finding, subject=ref).fingerprint, cluster) for ref in refs)


def text(entries: Iterable[BaselineEntry]) -> str:
    """Return the text of a baseline file: sorted, without duplicates."""
    rows = [json.dumps({k: getattr(e, k) for k in BaselineEntry.__slots__}) for e in sorted(set(entries))]
    return _HEAD + ",\n".join(f"  {row}" for row in rows) + ("\n" if rows else "") + " ]}\n"


def read(file: Path, name: str) -> Baseline:
    """Read a baseline file. Raises SettingsError if it cannot be read or is not a baseline of this format."""
    try:
        body: Any = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{file}: no such baseline; create it with --write-baseline {file}") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: not UTF-8; {_AGAIN}") from None
    except (ValueError, RecursionError) as error:  # a number of more than 4300 digits is a ValueError
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SettingsError(f"{file}{line}: not JSON; {_AGAIN}") from None
    version = body.get("fluxdoctor-baseline") if isinstance(body, dict) else None
    if version is None or not isinstance(body.get("findings"), list):
        raise SettingsError(f"{file}:1: not a fluxdoctor baseline; {_AGAIN}")
    if version != FORMAT:
        raise SettingsError(f"{file}:1: baseline format {version!r} is not supported (supported: {FORMAT}); {_AGAIN}")
    return Baseline(name, tuple(_entry(row, i, file) for i, row in enumerate(body["findings"])))


def _entry(row: Any, number: int, file: Path) -> BaselineEntry:
    keys = BaselineEntry.__slots__
    if not isinstance(row, dict) or set(row) != set(keys) or not all(isinstance(row[k], str) for k in keys):
        raise SettingsError(f"{file}: entry {number + 1} must have the string keys {', '.join(keys)}; {_AGAIN}")
    return BaselineEntry(**row)

"""The baseline: findings that are known, and are neither shown nor fail, one a line so that a difference reads well.

An entry is a fingerprint (rule, object and key) and a cluster: it holds where lines move and files are renamed.
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
_AGAIN = "write it anew with --write-baseline"


@dataclass(frozen=True, slots=True, order=True)
class BaselineEntry:
    """A known finding: what identifies it, and what a reader of the file wants to know. ``cluster``: of a repository, else ""."""

    rule: str
    object: str
    cluster: str
    message: str
    fingerprint: str

    @property
    def identity(self) -> tuple[str, str]:
        """What it is found again by."""
        return self.fingerprint, self.cluster


@dataclass(frozen=True)
class Baseline:
    """The entries of a file; ``name`` is what reports call it."""

    name: str
    entries: tuple[BaselineEntry, ...]

    def line(self, entry: BaselineEntry) -> int:
        """Return the line of an entry: the first follows the line that opens the list."""
        return _HEAD.count("\n") + 1 + self.entries.index(entry)


_HEAD = f'{{"fluxdoctor-baseline": {FORMAT},\n "findings": [\n'


def entry(finding: Finding, cluster: str) -> BaselineEntry:
    """Return the entry of a finding."""
    return BaselineEntry(finding.rule, str(finding.subject), cluster, finding.message, finding.fingerprint)


def identities(finding: Finding, cluster: str) -> frozenset[tuple[str, str]]:
    """Return by what a finding may be known: which of the objects that share a cause leads may change from run to run."""
    refs = (finding.subject, *finding.also)
    return frozenset((replace(finding, subject=ref).fingerprint, cluster) for ref in refs)


def text(entries: Iterable[BaselineEntry]) -> str:
    """Return the file: sorted, each entry once."""
    rows = [json.dumps({k: getattr(e, k) for k in BaselineEntry.__slots__}) for e in sorted(set(entries))]
    return _HEAD + ",\n".join(f"  {row}" for row in rows) + ("\n" if rows else "") + " ]}\n"


def read(file: Path, name: str) -> Baseline:
    """Read a baseline. Raises SettingsError."""
    try:
        body: Any = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{file}: no such baseline; --write-baseline {file} writes one") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: not UTF-8: no baseline; {_AGAIN}") from None
    except (json.JSONDecodeError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SettingsError(f"{file}{line}: not JSON; {_AGAIN}") from None
    version = body.get("fluxdoctor-baseline") if isinstance(body, dict) else None
    if version is None or not isinstance(body.get("findings"), list):
        raise SettingsError(f"{file}:1: no baseline of fluxdoctor; {_AGAIN}")
    if version != FORMAT:
        raise SettingsError(f"{file}:1: format {version!r} of a baseline is not known here; {_AGAIN}")
    return Baseline(name, tuple(_entry(row, i, file) for i, row in enumerate(body["findings"])))


def _entry(row: Any, number: int, file: Path) -> BaselineEntry:
    keys = BaselineEntry.__slots__
    if not isinstance(row, dict) or set(row) != set(keys) or not all(isinstance(row[k], str) for k in keys):
        raise SettingsError(f"{file}: entry {number + 1} has not the texts {', '.join(keys)}; {_AGAIN}")
    return BaselineEntry(**row)

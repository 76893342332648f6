"""An error that nobody expected: one safe line for people, a file for a bug report, exit code 2."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
import traceback
from pathlib import Path

from fluxdoctor._version import __version__

EXIT_CODE = 2
_MAX_FILES = 10
_MAX_LINE, _MAX_FILE = 300, 200_000  # characters


def explain(error: BaseException, *, debug: bool) -> str:
    """Return the line to print, and keep the trace in a file. With ``debug`` the trace follows the line.

    An error's text may quote anything that was read: secrets are masked, and characters that a terminal or a pipeline
    obeys are escaped. Never raises.
    """
    trace = _redacted("".join(traceback.format_exception(error)))[-_MAX_FILE:]
    text = " ".join(_redacted(str(error)).split())
    line = f"fluxdoctor: internal error: {type(error).__name__}{text and ': '}{text}"
    line = _plain(line if len(line) <= _MAX_LINE else f"{line[: _MAX_LINE - 3]}...")
    file = _save(trace)
    advice = f"; please attach {_plain(str(file))} to a bug report" if file else "; --debug shows where"
    shown = "".join(f"{_plain(row)}\n" for row in trace.splitlines()) if debug else ""
    return f"{line}{advice}\n{shown}"


def _redacted(text: str) -> str:
    try:
        from fluxdoctor.intake.credentials import redacted

        return redacted(text)
    except Exception:  # noqa: BLE001 - without the redactor, nothing of the text is safe
        return ""


def _plain(text: str) -> str:
    """Return text without control characters and without the ``::`` of workflow commands."""
    from fluxdoctor.report.plain import plain

    return plain(text.replace("\n", " ")).replace("::", ": :")


def _save(trace: str) -> Path | None:
    """Write the trace to a file for its owner alone, among the newest ten; None if that is not possible."""
    head = f"fluxdoctor {__version__}, Python {platform.python_version()}, {sys.platform}\n\n"
    with contextlib.suppress(Exception):
        folder = _folder()
        file = folder / f"crash-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.txt"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as sink:
            sink.write(head + trace)
        for old in sorted(folder.glob("crash-*.txt"))[:-_MAX_FILES]:
            old.unlink(missing_ok=True)
        return file
    return None


def _folder() -> Path:
    """Return a folder of our own: in the cache folder, or in a new temporary folder if that cannot be written."""
    from fluxdoctor.collect import cache_folder

    cache = cache_folder.folder()
    if cache and not cache_folder.unwritable(cache):
        folder = cache / "crashes"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    import tempfile  # not at every start

    return Path(tempfile.mkdtemp(prefix="fluxdoctor-crash-"))

"""The formats of a report by name."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from fluxdoctor.model.finding import Report
from fluxdoctor.report.context import NONE, Context

#: Those that are the same on every terminal; text depends on its width and colours.
WRITTEN = ("json", "markdown", "sarif", "junit", "github", "gitlab", "html", "openreports", "prometheus")
NAMES = ("text", *WRITTEN)
#: Those that show what the report is of: the others are lists of findings by their schemas.
_WHOLE = ("json", "markdown", "html")


def render(name: str, report: Report, context: Context = NONE) -> str:
    """Return a report in a format of WRITTEN, whose module is loaded only when it is used. Raises KeyError for another."""
    if name not in WRITTEN:
        raise KeyError(name)
    more = (context,) if name in _WHOLE else ()
    return cast("str", import_module(f"fluxdoctor.report.{name}").render(report, *more))

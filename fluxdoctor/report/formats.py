"""Renders a report in a format given by name."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from fluxdoctor.model.finding import Report
from fluxdoctor.report.context import NONE, Context

#: The formats that do not depend on the terminal; text depends on its width and colours.
WRITTEN = ("json", "markdown", "sarif", "junit", "github", "gitlab", "html", "openreports", "prometheus")
NAMES = ("text", *WRITTEN)
#: The formats that use the context; the others are lists of findings with schemas of their own.
_WITH_CONTEXT = ("json", "markdown", "html")


def render(name: str, report: Report, context: Context = NONE) -> str:
    """Return a report in a format of WRITTEN; only its module is imported. Raises KeyError if the format is not in WRITTEN."""
    if name not in WRITTEN:
        raise KeyError(name)
    arguments = (context,) if name in _WITH_CONTEXT else ()
    return cast("str", import_module(f"fluxdoctor.report.{name}").render(report, *arguments))

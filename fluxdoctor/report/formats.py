"""The formats of a report by name: each takes a report and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from fluxdoctor.model.finding import Report

#: Those that are the same on every terminal; text depends on its width and colours.
WRITTEN = ("json", "markdown", "sarif", "junit", "github", "gitlab", "openreports", "prometheus")
NAMES = ("text", *WRITTEN)


def renderer(name: str) -> Callable[[Report], str]:
    """Return what renders this format of WRITTEN; its module is loaded only when it is used. Raises KeyError for another."""
    if name not in WRITTEN:
        raise KeyError(name)
    found: Callable[[Report], str] = import_module(f"fluxdoctor.report.{name}").render
    return found

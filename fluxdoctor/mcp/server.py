"""The server: its tools, and a log without anything that was read from a cluster."""

from __future__ import annotations

import logging
import sys
from typing import Any, TypeVar

from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from fluxdoctor._version import __version__
from fluxdoctor.mcp import library, listing_tools, reading_tools, writing_tools
from fluxdoctor.mcp.quote import NOTE
from fluxdoctor.mcp.quote import name as quoted_name
from fluxdoctor.mcp.sessions import DiagnosisCache
from fluxdoctor.mcp.settings import ServerSettings
from fluxdoctor.mcp.validation import CheckedServer
from fluxdoctor.report.plain import plain

_INSTRUCTIONS = (
    "fluxdoctor finds the root causes of failures in a Flux CD cluster. Call diagnose first, and fix its findings in order. "
    "Call explain_rule for details. Whatever not_seen lists was not checked: its state is unknown, not healthy. "
)
ServerType = TypeVar("ServerType", bound=CheckedServer)
_AFTER = "After a fix is merged, call flux_reconcile_tool with with_source=true, then diagnose. "


log = logging.getLogger("fluxdoctor.mcp")


def build(settings: ServerSettings) -> CheckedServer:
    """Return a server that does its work in this process. Raises RuleError where two rule packs offer one rule."""
    set_up_log()
    diagnoses = DiagnosisCache(settings)
    return assemble(CheckedServer(diagnoses, **about(settings)))


def about(settings: ServerSettings) -> dict[str, Any]:
    """Return what a server says of itself."""
    return {
        "name": "fluxdoctor", "title": "fluxdoctor", "version": __version__, "instructions": _instructions(settings),
        "log_level": "WARNING",
    }  # fmt: skip


def assemble(server: ServerType) -> ServerType:
    """Add all that the server offers within its settings, and return it."""
    diagnoses = server.diagnoses
    reading_tools.register(server, diagnoses)
    listing_tools.register(server, diagnoses)
    library.register(server, diagnoses)
    if diagnoses.settings.writes:
        writing_tools.register(server, diagnoses)

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def completed(
        _: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: CompletionContext | None
    ) -> Completion:
        return await server.complete(argument, context)

    return server


def _instructions(settings: ServerSettings) -> str:
    """Return the instructions for a model: few words, because they cost tokens in every conversation."""
    contexts = ", ".join(quoted_name(context) for context in settings.contexts)
    where = f"Contexts: {contexts}. The first is the default. " if len(settings.contexts) > 1 else ""
    return _INSTRUCTIONS + (_AFTER if settings.writes else "") + where + NOTE


_MAX_LOGGED = 300


class _Quiet(logging.Formatter):
    """Logs the place and type of an error, not its text, which may contain what must not be logged."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"fluxdoctor mcp: {record.levelname.lower()}: {plain(record.getMessage()[:_MAX_LOGGED])}"
        error = record.exc_info[1] if record.exc_info else None
        return f"{text} ({_place(error)})" if error else text


def _place(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"


def set_up_log() -> None:
    """Log to stderr in our own way, before the library sets up its own, which prints what a client sent."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Quiet())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)

"""Report -> text for a terminal: a summary line, then each root cause with its proof, its fix and what it blocks."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fluxdoctor.model.finding import Evidence, Finding, Frozen, Report, Severity, Skipped
from fluxdoctor.model.resource import Ref
from fluxdoctor.report import ignored, state, unseen
from fluxdoctor.report.plain import lines, plain
from fluxdoctor.report.unseen import Reason

_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}
#: Limits without --verbose: names in a list, things of one gap, findings.
_MAX_NAMES, _MAX_THINGS, _MAX_FINDINGS = 6, 4, 40
#: Characters of a proof and of its end: a controller's message can quote a whole object. JSON and --verbose have all of it.
_MAX_QUOTE, _QUOTE_END = 900, 200
_LABEL_WIDTH = 8
_NOT_CHECKED = "Not checked: "
_IGNORED = "Ignored: "


def render(report: Report, *, width: int = 100, color: bool = False, verbose: bool = False) -> str:
    """Return the report as text of at most ``width`` columns."""
    out = io.StringIO()
    console = Console(
        file=out, width=max(40, width), force_terminal=color, color_system="standard" if color else None,
        highlight=False, markup=False, emoji=False, legacy_windows=False,
        # The caller decides width and colour, so that a report is the same on every machine.
        _environ={"TERM": "xterm"},
    )  # fmt: skip
    _summary(console, report)
    findings = [f for f in report.findings if verbose or f.severity is not Severity.INFO]
    limit = len(findings) if verbose else _MAX_FINDINGS
    for number, finding in enumerate(findings[:limit], 1):
        console.print()
        _finding(console, number, finding, verbose=verbose)
    if len(findings) > limit:
        console.print()
        console.print(
            Text(f"and {len(findings) - limit} more findings: --verbose shows them, --format json has them all", "bold")
        )
    _hidden_notes(console, [f for f in report.findings if f not in findings])
    _ignored(console, report, verbose=verbose)
    # On a live cluster, rules without facts are rules that the user turned off: only --verbose lists them.
    skipped = [s for s in report.skipped if s.asked or verbose or report.mode != "live"]
    _skipped(console, skipped, verbose=verbose)
    return lines(out.getvalue())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun + 's'}"


def _summary(console: Console, report: Report) -> None:
    """Print the first line: the counts, and the time at its right end if there is room."""
    flux = report.versions.get("flux", "").removeprefix("v")
    causes = sum(f.severity is Severity.ERROR for f in report.findings)
    warnings = sum(f.severity is Severity.WARNING for f in report.findings)
    parts = [
        plain(report.name) or report.mode,
        f"Flux {plain(flux)}" if flux else "",
        _count(report.objects, "object") if report.objects else "no Flux objects",
        _readiness(report),
        _count(causes, "root cause") if causes else "",
        _count(warnings, "warning") if warnings else "",
        state.verdict(report),
        ignored.counted(report),
    ]
    time = report.taken.strftime(f"{state.time_label(report)} %Y-%m-%d %H:%M:%SZ")
    if seconds := sum(report.timings.values()):
        time += f", {seconds:.1f} s"
    line = Text("   ".join(p for p in parts if p), style="bold")
    room = console.width - line.cell_len - len(time)
    console.print(line.append(" " * room + time, style="dim") if room >= 3 else line)  # noqa: PLR2004 - a visible gap


def _readiness(report: Report) -> str:
    if report.not_ready:
        return f"{report.not_ready} {state.failing(report)}"
    return "all ready" if report.objects and report.mode != "check" else ""


def _ignored(console: Console, report: Report, *, verbose: bool) -> None:
    """Print the ignored findings if ``verbose``."""
    texts = list(ignored.lines(report))
    if texts and verbose:
        console.print()
        rows = Table.grid(padding=(0, 0))
        rows.add_column(width=len(_IGNORED), no_wrap=True, style="cyan")
        rows.add_column(overflow="fold")
        for i, line in enumerate(texts):
            rows.add_row(_IGNORED if i == 0 else "", Text(line))
        console.print(rows)


def _subject(ref: Ref) -> str:
    return plain(str(ref))


def _finding(console: Console, number: int, finding: Finding, *, verbose: bool) -> None:
    """Print a finding: its head, its message and a table with the rest."""
    label = finding.severity.value.upper()
    head = Text(f"{number:>2}  ").append(f"{label:<7}  ", _STYLE[finding.severity]).append(finding.rule, "bold")
    room = console.width - head.cell_len - len(finding.confidence.value)
    console.print(head.append(" " * max(2, room)).append(finding.confidence.value, "dim"))
    message = Text(f"{_subject(finding.subject)}: ", "bold").append(plain(finding.message), "not bold")
    console.print(Padding(message, (0, 0, 0, 4)))
    rows = Table.grid(padding=(0, 0))
    rows.add_column(width=_LABEL_WIDTH, no_wrap=True, style="cyan")
    rows.add_column(overflow="fold")
    for name, text in _rows(finding, console.width - 4 - _LABEL_WIDTH, verbose=verbose):
        rows.add_row(name, Text(plain(text)))
    console.print(Padding(rows, (0, 0, 0, 4)))


def _rows(finding: Finding, room: int, *, verbose: bool) -> Iterable[tuple[str, str]]:
    """Yield the label and the text of each row; ``room``: columns of the text."""
    for i, proof in enumerate(_proof(e, finding, verbose=verbose) for e in finding.evidence):
        yield ("Proof" if i == 0 else ""), proof
    yield "Fix", finding.fix
    if finding.location:
        field = f"  {finding.field}" if finding.field else ""
        yield "In git", f"{_break_at_slashes(str(finding.location), room)}{field}"
    if finding.clusters:
        yield "Cluster", _names(finding.clusters, verbose=verbose)
    if finding.also:
        yield "Also", _names([_subject(r) for r in finding.also], verbose=verbose)
    if finding.blocks:
        yield "Blocks", _names([_subject(r) for r in finding.blocks], verbose=verbose)
    if finding.freezes:
        yield "Stale", _stale(finding.freezes, verbose=verbose)


def _break_at_slashes(path: str, room: int) -> str:
    """Break a long path only after a slash: a break inside ``release.yaml:11`` would read as ``release.yaml:1``."""
    rows = [""]
    for step in re.findall(r"[^/]*/|[^/]+", path):
        if rows[-1] and len(rows[-1]) + len(step) > room:
            rows.append("")
        rows[-1] += step
    return "\n".join(rows)


def _stale(freezes: Sequence[Frozen], *, verbose: bool) -> str:
    """Return the objects that are Ready but serve an old revision; a time that they share is written once."""
    times = {f.since for f in freezes}
    common = f" since {_utc(first)}" if len(times) == 1 and (first := next(iter(times))) else ""
    names = []
    for frozen in freezes:
        revision = f" at {frozen.revision}" if frozen.revision else ""
        since = f" since {_utc(frozen.since)}" if frozen.since and not common else ""
        names.append(f"{_subject(frozen.ref)}{revision}{since}")
    return _names(names, common, verbose=verbose)


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ")


def _proof(evidence: Evidence, finding: Finding, *, verbose: bool) -> str:
    """Return a proof, and its source unless that is obvious: the finding's own object, a condition or an event."""
    place = evidence.where
    is_obvious = not place or evidence.kind.is_message or evidence.object == str(finding.subject)
    text = evidence.what
    if len(text) > _MAX_QUOTE and not verbose:
        text = f"{text[: _MAX_QUOTE - _QUOTE_END]} ... {text[-_QUOTE_END:]}"
    return text if is_obvious and not (verbose and place) else f"{text}  ({place})"


def _names(names: Sequence[str], since: str = "", *, verbose: bool) -> str:
    first = names if verbose else names[:_MAX_NAMES]
    more = f" and {len(names) - len(first)} more" if len(first) < len(names) else ""
    return f"{len(names)}{since}: {', '.join(first)}{more}"


def _hidden_notes(console: Console, hidden: Sequence[Finding]) -> None:
    """Print how many notes are hidden, and their rules."""
    if hidden:
        console.print()
        rules = ", ".join(sorted({f.rule for f in hidden}))
        console.print(Text(f"{_count(len(hidden), 'note')} not shown ({rules}): --verbose shows them", "dim"))


def _skipped(console: Console, skipped: Sequence[Skipped], *, verbose: bool) -> None:
    """Print the gaps by reason, then the rules that were skipped because their facts were not collected."""
    reasons = [_reason(reason, verbose=verbose) for reason in unseen.reasons(skipped)]
    if reasons:
        console.print()
        first = reasons if verbose else reasons[:_MAX_NAMES]
        more = [f"and {len(reasons) - len(first)} more: --verbose shows them"] if len(first) < len(reasons) else []
        rows = Table.grid(padding=(0, 0))
        rows.add_column(width=len(_NOT_CHECKED), no_wrap=True, style="yellow")
        rows.add_column(overflow="fold")
        for i, line in enumerate([*first, *more]):
            rows.add_row(_NOT_CHECKED if i == 0 else "", Text(plain(line)))
        console.print(rows)
        if unseen.forbidden(skipped):
            console.print(Text(unseen.RIGHTS, "dim"))
    if rest := unseen.unasked(skipped):
        console.print()
        console.print(Text(plain(rest), "dim"))


def _reason(reason: Reason, *, verbose: bool) -> str:
    """Return the line of a reason: what could not be read, why, and which rules were skipped."""
    first = reason.things if verbose else reason.things[:_MAX_THINGS]
    more = f" and {len(reason.things) - len(first)} more" if len(first) < len(reason.things) else ""
    rules = f" (not checked by {', '.join(reason.rules)})" if reason.rules else ""
    return f"{', '.join(first)}{more}: {reason.why}{rules}".removeprefix(": ")

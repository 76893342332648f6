"""Report -> text for a terminal: a summary line first, then each cause with proof, fix and what it blocks."""

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
_NAMED = 6
_THINGS = 4
_MOST = 40
#: Characters of a proof that are shown: a controller's message can quote a whole object. JSON and --verbose have it all.
_QUOTED, _QUOTED_END = 900, 200
_LABEL = 8
_NOT_CHECKED = "Not checked: "
_IGNORED = "Ignored: "


def render(report: Report, *, width: int = 100, color: bool = False, verbose: bool = False) -> str:
    """Return the report as text of at most ``width`` columns."""
    out = io.StringIO()
    console = Console(
        file=out, width=max(40, width), force_terminal=color, color_system="standard" if color else None,
        highlight=False, markup=False, emoji=False, legacy_windows=False,
        # Width and colour are the caller's to say: the same report on every machine.
        _environ={"TERM": "xterm"},
    )  # fmt: skip
    _summary(console, report)
    shown = [f for f in report.findings if verbose or f.severity is not Severity.INFO]
    most = len(shown) if verbose else _MOST
    for number, finding in enumerate(shown[:most], 1):
        console.print()
        _finding(console, number, finding, verbose=verbose)
    if len(shown) > most:
        console.print()
        console.print(
            Text(f"and {len(shown) - most} more findings: --verbose shows them, --format json has them all", "bold")
        )
    _quiet(console, [f for f in report.findings if f not in shown])
    _ignored(console, report, verbose=verbose)
    # Of a live cluster, what nobody asked is what the user chose not to ask: it is told where all is told.
    told = [s for s in report.skipped if s.asked or verbose or report.mode != "live"]
    _skipped(console, told, verbose=verbose)
    return lines(out.getvalue())


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _summary(console: Console, report: Report) -> None:
    flux = report.versions.get("flux", "").removeprefix("v")
    causes = sum(f.severity is Severity.ERROR for f in report.findings)
    warnings = sum(f.severity is Severity.WARNING for f in report.findings)
    parts = [
        plain(report.name) or report.mode,
        f"Flux {plain(flux)}" if flux else "",
        _count(report.objects, "object") if report.objects else "no Flux object",
        _readiness(report),
        _count(causes, "root cause") if causes else "",
        _count(warnings, "warning") if warnings else "",
        state.verdict(report),
        ignored.counted(report),
    ]
    taken = report.taken.strftime(f"{state.taken(report)} %Y-%m-%d %H:%M:%SZ")
    if seconds := sum(report.timings.values()):
        taken += f", {seconds:.1f} s"
    line = Text("   ".join(p for p in parts if p), style="bold")
    room = console.width - line.cell_len - len(taken)
    console.print(line.append(" " * room + taken, style="dim") if room >= 3 else line)  # noqa: PLR2004 - a visible gap


def _readiness(report: Report) -> str:
    if report.not_ready:
        return f"{report.not_ready} {state.failing(report)}"
    return "all ready" if report.objects and report.mode != "check" else ""


def _ignored(console: Console, report: Report, *, verbose: bool) -> None:
    told = list(ignored.lines(report))
    if told and verbose:
        console.print()
        rows = Table.grid(padding=(0, 0))
        rows.add_column(width=len(_IGNORED), no_wrap=True, style="cyan")
        rows.add_column(overflow="fold")
        for i, line in enumerate(told):
            rows.add_row(_IGNORED if i == 0 else "", Text(line))
        console.print(rows)


def _subject(ref: Ref) -> str:
    return plain(f"{ref.kind} {ref.named}")


def _finding(console: Console, number: int, finding: Finding, *, verbose: bool) -> None:
    label = finding.severity.value.upper()
    head = Text(f"{number:>2}  ").append(f"{label:<7}  ", _STYLE[finding.severity]).append(finding.rule, "bold")
    room = console.width - head.cell_len - len(finding.confidence.value)
    console.print(head.append(" " * max(2, room)).append(finding.confidence.value, "dim"))
    said = Text(f"{_subject(finding.subject)}: ", "bold").append(plain(finding.message), "not bold")
    console.print(Padding(said, (0, 0, 0, 4)))
    rows = Table.grid(padding=(0, 0))
    rows.add_column(width=_LABEL, no_wrap=True, style="cyan")
    rows.add_column(overflow="fold")
    for name, text in _rows(finding, console.width - 4 - _LABEL, verbose=verbose):
        rows.add_row(name, Text(plain(text)))
    console.print(Padding(rows, (0, 0, 0, 4)))


def _rows(finding: Finding, room: int, *, verbose: bool) -> Iterable[tuple[str, str]]:
    for i, proof in enumerate(_proof(e, finding, verbose=verbose) for e in finding.evidence):
        yield ("Proof" if i == 0 else ""), proof
    yield "Fix", finding.fix
    if finding.location:
        field = f"  {finding.field}" if finding.field else ""
        yield "In git", f"{_at_slashes(str(finding.location), room)}{field}"
    if finding.clusters:
        yield "Cluster", _names(finding.clusters, verbose=verbose)
    if finding.also:
        yield "Also", _names([_subject(r) for r in finding.also], verbose=verbose)
    if finding.blocks:
        yield "Blocks", _names([_subject(r) for r in finding.blocks], verbose=verbose)
    if finding.freezes:
        yield "Stale", _stale(finding.freezes, verbose=verbose)


def _at_slashes(path: str, room: int) -> str:
    """Break a path that is too long only behind a slash: ``release.yaml:1`` is another line than ``release.yaml:11``."""
    rows = [""]
    for step in re.findall(r"[^/]*/|[^/]+", path):
        if rows[-1] and len(rows[-1]) + len(step) > room:
            rows.append("")
        rows[-1] += step
    return "\n".join(rows)


def _stale(freezes: Sequence[Frozen], *, verbose: bool) -> str:
    """What is Ready and serves an old revision, since its source or its parent fails: said once where it is one time."""
    times = {f.since for f in freezes}
    common = f" since {_utc(first)}" if len(times) == 1 and (first := next(iter(times))) else ""
    names = []
    for one in freezes:
        revision = f" at {one.revision}" if one.revision else ""
        since = f" since {_utc(one.since)}" if one.since and not common else ""
        names.append(f"{_subject(one.ref)}{revision}{since}")
    return _names(names, common, verbose=verbose)


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ")


def _proof(evidence: Evidence, finding: Finding, *, verbose: bool) -> str:
    """What was seen; and where, unless it is plain: on the finding's own object, or in a controller's words."""
    said = evidence.where.rpartition(" ")[2] in ("event", "lastTransitionTime") or " condition " in evidence.where
    plainly = not evidence.where or said or evidence.where.startswith(str(finding.subject))
    what = evidence.what
    if len(what) > _QUOTED and not verbose:
        what = f"{what[: _QUOTED - _QUOTED_END]} ... {what[-_QUOTED_END:]}"
    return what if plainly and not (verbose and evidence.where) else f"{what}  ({evidence.where})"


def _names(names: Sequence[str], since: str = "", *, verbose: bool) -> str:
    shown = names if verbose else names[:_NAMED]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return f"{len(names)}{since}: {', '.join(shown)}{more}"


def _quiet(console: Console, hidden: Sequence[Finding]) -> None:
    if hidden:
        console.print()
        rules = ", ".join(sorted({f.rule for f in hidden}))
        console.print(Text(f"{_count(len(hidden), 'note')} not shown ({rules}): --verbose shows them", "dim"))


def _skipped(console: Console, skipped: Sequence[Skipped], *, verbose: bool) -> None:
    told = [_reason(reason, verbose=verbose) for reason in unseen.reasons(skipped)]
    if told:
        console.print()
        shown = told if verbose else told[:_NAMED]
        more = [f"and {len(told) - len(shown)} more: --verbose shows them"] if len(shown) < len(told) else []
        rows = Table.grid(padding=(0, 0))
        rows.add_column(width=len(_NOT_CHECKED), no_wrap=True, style="yellow")
        rows.add_column(overflow="fold")
        for i, line in enumerate([*shown, *more]):
            rows.add_row(_NOT_CHECKED if i == 0 else "", Text(plain(line)))
        console.print(rows)
        if unseen.forbidden(skipped):
            console.print(Text(unseen.RIGHTS, "dim"))
    if rest := unseen.unasked(skipped):
        console.print()
        console.print(Text(plain(rest), "dim"))


def _reason(reason: Reason, *, verbose: bool) -> str:
    """One line a reason: what was not seen, why, and which rules could not judge without it."""
    shown = reason.things if verbose else reason.things[:_THINGS]
    more = f" and {len(reason.things) - len(shown)} more" if len(shown) < len(reason.things) else ""
    without = f" (so not judged by {', '.join(reason.rules)})" if reason.rules else ""
    return f"{', '.join(shown)}{more}: {reason.why}{without}".removeprefix(": ")

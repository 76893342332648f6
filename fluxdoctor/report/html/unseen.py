"""Renders the gaps: what the run could not check, which may be healthy or broken."""

from __future__ import annotations

from collections.abc import Sequence

from fluxdoctor.model.finding import Report
from fluxdoctor.report import unseen
from fluxdoctor.report.html.tags import Markup, join, tag

_MAX_REASONS = 200
_MAX_NAMES = 30


def section(report: Report) -> Markup:
    """Return the section: for each reason, what could not be read and which rules were skipped."""
    reasons = unseen.reasons(report.skipped)
    rest = unseen.unasked(report.skipped)
    parts = [tag("h2", "Not checked", id="unseen-title")]
    if reasons:
        parts.append(tag("p", "The following could not be read, so its state is unknown."))
        parts.append(tag("ul", *(_row(r) for r in reasons[:_MAX_REASONS]), class_="gaps"))
        if len(reasons) > _MAX_REASONS:
            parts.append(tag("p", f"and {len(reasons) - _MAX_REASONS} more: the JSON report has them all"))
        if unseen.forbidden(report.skipped):
            parts.append(tag("p", unseen.RIGHTS))
    else:
        parts.append(tag("p", "Everything that fluxdoctor asked for was read."))
    if rest:
        parts.append(tag("p", rest, class_="soft"))
    return tag("section", *parts, id="unseen", aria_labelledby="unseen-title", tabindex="-1")


def _row(reason: unseen.Reason) -> Markup:
    things = tag("span", _first(reason.things), class_="what") if reason.things else Markup("")
    rules = tag("span", f"not checked by {_first(reason.rules)}", class_="soft") if reason.rules else Markup("")
    return tag("li", join(things, tag("span", reason.why, class_="why"), rules))


def _first(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more

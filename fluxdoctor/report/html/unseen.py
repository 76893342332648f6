"""What was not seen, so that nobody takes it for well."""

from __future__ import annotations

from collections.abc import Sequence

from fluxdoctor.model.finding import Report
from fluxdoctor.report import unseen
from fluxdoctor.report.html.tags import Markup, join, tag

_MOST = 200
_NAMED = 30


def section(report: Report) -> Markup:
    """Return the section: a row for each reason, what it hides and which rules could not judge."""
    found = unseen.reasons(report.skipped)
    rest = unseen.unasked(report.skipped)
    parts = [tag("h2", "Not seen", id="unseen-title")]
    if found:
        parts.append(tag("p", "What follows was asked for and could not be read: nothing is known of it, good or bad."))
        parts.append(tag("ul", *(_row(r) for r in found[:_MOST]), class_="gaps"))
        if len(found) > _MOST:
            parts.append(tag("p", f"and {len(found) - _MOST} more: the JSON report has them all"))
        if unseen.forbidden(report.skipped):
            parts.append(tag("p", unseen.RIGHTS))
    else:
        parts.append(tag("p", "Everything that was asked for was seen."))
    if rest:
        parts.append(tag("p", rest, class_="soft"))
    return tag("section", *parts, id="unseen", aria_labelledby="unseen-title", tabindex="-1")


def _row(reason: unseen.Reason) -> Markup:
    what = tag("span", _named(reason.things), class_="what") if reason.things else Markup("")
    rules = tag("span", f"so not judged by {_named(reason.rules)}", class_="soft") if reason.rules else Markup("")
    return tag("li", join(what, tag("span", reason.why, class_="why"), rules))


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more

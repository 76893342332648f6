"""What could not be judged, told once for each reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fluxdoctor.model.finding import Skipped

#: What is said beside a reason that more rights would take away.
RIGHTS = "fluxdoctor rbac prints the rights that a full diagnosis needs"


@dataclass(slots=True)
class Reason:
    """Why something was not seen, what that was, and which rules could not judge without it."""

    why: str
    things: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


def reasons(skipped: Iterable[Skipped]) -> list[Reason]:
    """Group what was asked for and could not be seen by the reason, in the order of the report."""
    found: dict[str, Reason] = {}
    for entry in skipped:
        if not entry.asked:
            continue
        about = str(entry.gap.scope if entry.gap else entry.subject or "")
        why = entry.gap.why if entry.gap else entry.why
        reason = found.setdefault(why, Reason(why))
        if about and about not in reason.things:
            reason.things.append(about)
        if entry.rule and entry.rule not in reason.rules:
            reason.rules.append(entry.rule)
    return list(found.values())


def forbidden(skipped: Iterable[Skipped]) -> bool:
    """Tell whether more rights would show more."""
    return any(s.asked and s.gap is not None and s.gap.reason.is_denied for s in skipped)


def unasked(skipped: Iterable[Skipped]) -> str:
    """Say in one line what nobody asked for, and why; "" where there is nothing of the kind."""
    rest = [s for s in skipped if not s.asked]
    if not rest:
        return ""
    why = ", ".join(sorted({s.gap.why if s.gap else s.why for s in rest}))
    what = "question" if any(s.subject for s in rest) else "rule"
    return f"{len(rest)} {what}{'' if len(rest) == 1 else 's'} had no facts to judge by: {why}"

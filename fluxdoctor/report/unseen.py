"""Groups what a run could not check by reason, so that each reason is shown once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fluxdoctor.model.finding import Skipped

#: A hint beside gaps that more rights would close.
RIGHTS = "fluxdoctor rbac prints the rights that a full diagnosis needs"


@dataclass(slots=True)
class Reason:
    """Why something could not be read: the reason, the things it applies to, and the rules that were skipped."""

    why: str
    things: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


def reasons(skipped: Iterable[Skipped]) -> list[Reason]:
    """Group the gaps of a run by reason, in the order of the report."""
    groups: dict[str, Reason] = {}
    for entry in skipped:
        if not entry.asked:
            continue
        thing = str(entry.gap.scope if entry.gap else entry.subject or "")
        why = entry.gap.why if entry.gap else entry.why
        reason = groups.setdefault(why, Reason(why))
        if thing and thing not in reason.things:
            reason.things.append(thing)
        if entry.rule and entry.rule not in reason.rules:
            reason.rules.append(entry.rule)
    return list(groups.values())


def forbidden(skipped: Iterable[Skipped]) -> bool:
    """Tell whether missing rights are the reason of a gap."""
    return any(s.asked and s.gap is not None and s.gap.reason.is_denied for s in skipped)


def unasked(skipped: Iterable[Skipped]) -> str:
    """Return a line about rules whose facts the run did not collect, such as "5 rules skipped: ..."; "" if there are none.

    Entries with a subject are single checks of a rule, and are counted as checks.
    """
    rest = [s for s in skipped if not s.asked]
    if not rest:
        return ""
    why = ", ".join(sorted({s.gap.why if s.gap else s.why for s in rest}))
    noun = "check" if any(s.subject for s in rest) else "rule"
    return f"{len(rest)} {noun}{'' if len(rest) == 1 else 's'} skipped: {why}"

"""Folds what the rules said to root causes. Pure.

``hits`` sorts out what the rules said, ``reach`` finds the roots and all that they hold back, ``stale`` what stays green and
gets no changes, ``findings`` makes of each root, or of those that share one cause, what a user reads, in the written order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fluxdoctor.causes import deduplicate, findings, root_causes
from fluxdoctor.model.finding import Finding, Severity
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Outcome, Rule


def fold(outcome: Outcome, snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> tuple[Finding, ...]:
    """Return the findings, one a root cause, the first thing to fix first; every failing object is accounted for."""
    roots = root_causes.find_roots(deduplicate.resolve(outcome.hits, snapshot), snapshot, fallbacks)
    found = [findings.finding(group, snapshot) for group in findings.groups(roots)]
    return tuple(sorted(found, key=lambda f: findings.order(f, snapshot)))


def worst(found: Iterable[Finding]) -> Severity | None:
    """Return the worst severity, or None without a finding."""
    return min((f.severity for f in found), key=lambda s: s.weight, default=None)

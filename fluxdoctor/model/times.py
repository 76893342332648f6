"""Kubernetes times and Go durations, read totally: what cannot be read is None."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_LONGEST = 100 * 365 * 86400.0


@lru_cache(16384)  # many rules ask, and controllers write to the second
def moment(text: str) -> datetime | None:
    """Read an RFC 3339 time."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(1024)
def duration(text: str, default: timedelta) -> timedelta:
    """Read a Go duration such as ``1h30m``; the default when it is empty or not one."""
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        return default
    return timedelta(seconds=min(sum(float(n) * _UNITS[u] for n, u in parts), _LONGEST))


def age(since: datetime | None, now: datetime) -> str:
    """Write the time from ``since`` to ``now`` as people say it: 42s, 5m, 2h13m, 3d4h."""
    if since is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit, small, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            rest = seconds % size // small
            return f"{seconds // size}{unit}{f'{rest}{small_unit}' if rest else ''}"
    return f"{seconds}s"

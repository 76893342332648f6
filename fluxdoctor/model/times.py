"""Parse Kubernetes times and Go durations, and write ages. Nothing here raises."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_DURATION = re.compile(r"(?<!\d)(\d++(?:\.\d++)?+)(h|ms|m|s|us|µs|ns)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_MAX_SECONDS = 100 * 365 * 86400.0


@lru_cache(16384)  # many rules parse the same times
def moment(text: str) -> datetime | None:
    """Parse an RFC 3339 time, as UTC if it has no offset; None if it is invalid."""
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(1024)
def duration(text: str, default: timedelta) -> timedelta:
    """Parse a Go duration such as ``1h30m``; the default if it is empty or invalid. At most 100 years."""
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        return default
    return timedelta(seconds=min(sum(float(n) * _UNITS[u] for n, u in parts), _MAX_SECONDS))


def age(since: datetime | None, now: datetime) -> str:
    """Return the time from ``since`` to ``now`` in its two largest units: 42s, 5m, 2h13m, 3d4h; "" without ``since``."""
    if since is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit, small, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            rest = seconds % size // small
            return f"{seconds // size}{unit}{f'{rest}{small_unit}' if rest else ''}"
    return f"{seconds}s"

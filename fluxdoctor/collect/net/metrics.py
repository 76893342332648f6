"""Delivers metrics to a file for a textfile collector, or to a Pushgateway."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from fluxdoctor.collect.net.deadline import Deadline

JOB = "fluxdoctor"


class MetricsError(Exception):
    """The metrics could not be delivered; the text names the target and the reason."""


def to_file(text: str, path: Path) -> None:
    """Write a file atomically, readable for all users: a collector never reads part of it. Raises MetricsError."""
    scratch = ""
    try:
        # The collector reads only *.prom, so it ignores the temporary file.
        handle, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except OSError as error:
        if scratch:
            with contextlib.suppress(OSError):
                Path(scratch).unlink()
        raise MetricsError(f"{path}: {error.strerror}") from None


def check_gateway(url: str) -> None:
    """Raise MetricsError if a URL is not that of a Pushgateway, or contains credentials, which process lists would show."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise MetricsError(
            "the Pushgateway must be an http or https URL without a query, such as http://pushgateway:9091"
        )
    if parts.username is not None or parts.password is not None:
        raise MetricsError(
            "the Pushgateway URL must not contain credentials: process lists show command-line arguments"
        )


def push(text: str, url: str, deadline: Deadline) -> None:
    """Replace the metrics of this job in a Pushgateway (PUT /metrics/job/fluxdoctor). Raises MetricsError."""
    import urllib3
    from urllib3.exceptions import HTTPError

    check_gateway(url)
    remaining = deadline.left()
    pool = urllib3.PoolManager(
        retries=False, timeout=urllib3.Timeout(connect=min(5.0, remaining), read=min(20.0, remaining))
    )
    target = f"{url.rstrip('/')}/metrics/job/{JOB}"
    try:
        response = pool.request(
            "PUT", target, body=text.encode(), redirect=False,
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )  # fmt: skip
    except (HTTPError, OSError) as error:
        raise MetricsError(f"{target}: no answer ({type(error).__name__})") from None
    finally:
        pool.clear()
    if response.status >= 300:  # noqa: PLR2004 - HTTP
        reason = " ".join(response.data.decode("utf-8", "replace").split())[:200]
        raise MetricsError(f"{target}: HTTP {response.status}{f': {reason}' if reason else ''}")

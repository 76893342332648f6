"""Where metrics go: a file that a textfile collector reads, or a Pushgateway."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from fluxdoctor.collect.net.deadline import Deadline

JOB = "fluxdoctor"


class MetricsError(Exception):
    """The metrics could not be delivered; the text says where and why."""


def to_file(text: str, path: Path) -> None:
    """Write a file in one step, readable for all: a collector never reads half of it. Raises MetricsError."""
    scratch = ""
    try:
        # The collector reads *.prom only, so it does not see the file that is being written.
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
    """Raise MetricsError where an address is none of a Pushgateway, or holds a login, which process lists would show."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise MetricsError("a Pushgateway is an http or https URL without a query, such as http://pushgateway:9091")
    if parts.username is not None or parts.password is not None:
        raise MetricsError("the URL of a Pushgateway must hold no login: arguments are seen by all who see the process")


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

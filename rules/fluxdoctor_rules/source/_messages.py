"""Messages of source-controller on sources that are failing now."""

import re
from collections.abc import Iterator

from fluxdoctor import Failures, Resource


def failing_with(failures: Failures, pattern: re.Pattern[str], *kinds: str) -> Iterator[tuple[Resource, re.Match[str]]]:
    """Yield the failing objects of these kinds whose current message matches; older events are ignored."""
    for failure in failures.failed:
        if failure.resource.kind in kinds and (match := pattern.search(" ".join(failure.message.split()))):
            yield failure.resource, match

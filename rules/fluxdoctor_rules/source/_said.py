"""What source-controller says of sources that fail now."""

import re
from collections.abc import Iterator

from fluxdoctor import Failures, Resource


def saying(failures: Failures, pattern: re.Pattern[str], *kinds: str) -> Iterator[tuple[Resource, re.Match[str]]]:
    """Yield the failing objects of these kinds whose present message matches; older events are not looked at."""
    for failure in failures.failed:
        if failure.resource.kind in kinds and (found := pattern.search(" ".join(failure.message.split()))):
            yield failure.resource, found

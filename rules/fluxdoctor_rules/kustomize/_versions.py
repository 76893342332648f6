"""The running version of kustomize-controller."""

import re

from fluxdoctor import Versions

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def patch(versions: Versions) -> tuple[int, ...] | None:
    """Return (major, minor, patch) of kustomize-controller, or None if it is unknown."""
    numbers = _NUMBERS.match(versions.found.get("kustomize-controller", ""))
    return tuple(map(int, numbers.groups())) if numbers else None

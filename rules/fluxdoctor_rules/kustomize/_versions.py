"""Which release of kustomize-controller runs."""

import re

from fluxdoctor import Versions

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def patch(versions: Versions) -> tuple[int, ...] | None:
    """Return (major, minor, patch) of kustomize-controller, or None when unknown."""
    found = _NUMBERS.match(versions.found.get("kustomize-controller", ""))
    return tuple(map(int, found.groups())) if found else None

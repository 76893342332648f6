"""The registry of an OCIRepository: its host, its credentials and its tags."""

import re
from collections.abc import Sequence

from fluxdoctor import Resource, nearest, suggestion

#: Messages of registries and go-containerregistry for missing or invalid credentials.
DENIED = re.compile(
    r"^(?!failed to get credential).*?"
    r"(?:UNAUTHORIZED|DENIED|401 Unauthorized|403 Forbidden|authentication required|access to the resource is denied)",
    re.S,
)
_MOST = 3
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


def host(repository: Resource) -> str:
    """Return the host of spec.url, with the port if there is one."""
    return repository.text("spec.url").partition("://")[2].partition("/")[0]


def same_registry(pattern: str, registry: str) -> bool:
    """Return whether an entry of a docker config matches a registry; * matches one part of the host name."""
    if registry in _DOCKER_HUB:
        return pattern in _DOCKER_HUB
    patterns, parts = pattern.split("."), registry.split(".")
    return len(patterns) == len(parts) and all(_matches(*pair) for pair in zip(patterns, parts, strict=True))


def _matches(pattern: str, part: str) -> bool:
    head, star, tail = pattern.partition("*")
    return part.startswith(head) and part.endswith(tail) if star else pattern == part


def alternatives(name: str, tags: Sequence[str]) -> str:
    """Return the hint for a missing tag: similar tags (those that differ in a leading v first), else the last five."""
    variants = [t for t in tags if t.lower().removeprefix("v") == name.lower().removeprefix("v")]
    similar = tuple(dict.fromkeys((*variants, *nearest(name, sorted(tags)))))[:_MOST]
    if similar:
        return suggestion(similar)
    return f"; the repository has {', '.join(tags[-5:])}" if tags else "; the repository has no tags"

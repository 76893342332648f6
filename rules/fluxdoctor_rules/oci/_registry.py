"""Where an OCIRepository reads from, and what its registry offers."""

import difflib
import re
from collections.abc import Iterable

from fluxdoctor import Resource

#: What registries and go-containerregistry say of credentials that are missing or not accepted.
REFUSED = re.compile(
    r"^(?!failed to get credential).*?"
    r"(?:UNAUTHORIZED|DENIED|401 Unauthorized|403 Forbidden|authentication required|access to the resource is denied)",
    re.S,
)
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


def host(repository: Resource) -> str:
    """Return the registry of spec.url, with the port where one is written."""
    return repository.text("spec.url").partition("://")[2].partition("/")[0]


def same_registry(pattern: str, registry: str) -> bool:
    """Tell whether an entry of a docker config is for a registry: part by part, where * stands for one part."""
    if registry in _DOCKER_HUB:
        return pattern in _DOCKER_HUB
    wanted, parts = pattern.split("."), registry.split(".")
    return len(wanted) == len(parts) and all(_part(w, p) for w, p in zip(wanted, parts, strict=True))


def _part(wanted: str, part: str) -> bool:
    head, star, tail = wanted.partition("*")
    return part.startswith(head) and part.endswith(tail) if star else wanted == part


def instead(name: str, offered: Iterable[str]) -> str:
    """Say which tag is nearest to a name, or which there are, for a sentence."""
    known = list(offered)
    same = [n for n in known if n.lower().removeprefix("v") == name.lower().removeprefix("v")]
    near = tuple(dict.fromkeys((*same, *difflib.get_close_matches(name, sorted(known), 3, 0.6))))[:3]
    if near:
        return f"; the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}"
    return f"; there is {', '.join(known[-5:])}" if known else "; there is no tag at all"

"""What is known of an image's tags, and how an ImagePolicy filters them (image-reflector-controller 1.2)."""

import re
from dataclasses import dataclass

from fluxdoctor import Cluster, OciTags, Ref, Resource

_TEMPLATE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
#: What Go's regular expressions do not have: look-around, back references, possessive and atomic groups.
NOT_IN_GO = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?(?:=|!|<=|<!|>)|\\[1-9]|[*+?}]\+)")


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of an ImageRepository that can be seen; ``complete`` when there are no others."""

    repository: Ref
    found: tuple[str, ...]
    complete: bool


def of(policy: Resource, cluster: Cluster, oci: OciTags | None) -> Tags | None:
    """Return the tags that a policy chooses from; None when its ImageRepository was not seen or not scanned."""
    name = policy.text("spec.imageRepositoryRef.name")
    namespace = policy.text("spec.imageRepositoryRef.namespace") or policy.namespace
    ref = Ref("ImageRepository", namespace, name)
    repository = cluster.get(ref)
    if repository is None or not repository.has("status.lastScanResult"):
        return None
    listed = oci.tags(ref) if oci else None
    if listed is not None:
        return Tags(ref, listed, complete=True)
    # The status shows the ten newest in alphabetical order; tagCount counts all.
    shown = repository.strings("status.lastScanResult.latestTags")
    return Tags(ref, shown, complete=repository.number("status.lastScanResult.tagCount") == len(shown))


def filtered(policy: Resource, tags: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return what spec.filterTags makes of tags; None where its pattern cannot be read as Go reads it."""
    pattern, extract = policy.text("spec.filterTags.pattern"), policy.text("spec.filterTags.extract")
    if not pattern:
        return tags
    try:
        wanted = re.compile(pattern)
    except re.error:
        return None
    if NOT_IN_GO.search(pattern):
        return None
    matches = [(tag, match) for tag in tags if (match := wanted.search(tag))]
    return tuple(_expand(extract, match) if extract else tag for tag, match in matches)


def _expand(template: str, match: re.Match[str]) -> str:
    """Fill $name and ${name} as Go's Regexp.Expand does: a group that is not there is empty."""
    named = {**{str(i): g or "" for i, g in enumerate((match[0], *match.groups()))}, **match.groupdict("")}
    return _TEMPLATE.sub(lambda found: named.get(found[1] or found[2], ""), template)


def sample(tags: Tags) -> str:
    """Write a few of the tags."""
    more = "" if tags.complete and len(tags.found) <= 4 else " ..."  # noqa: PLR2004 - as many as fit a line
    return f"{', '.join(tags.found[:4])}{more}" if tags.found else "none"

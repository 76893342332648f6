"""What is known of an image's tags, and how an ImagePolicy filters them (image-reflector-controller 1.2)."""

import re
from dataclasses import dataclass

from fluxdoctor import Cluster, OciTags, Ref, Resource

_TEMPLATE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_NAMED = re.compile(r"(?<!\\)(?:\\\\)*\(\?<(?=[A-Za-z_])")
#: What Python reads otherwise than Go, or not at all: nothing is said of a pattern with it.
_OTHERWISE = re.compile(r"\\[QEzpPCx0]|\[\[:|\(\?[a-zA-Z-]*[UsmiL-]|\(\?[#(]")
#: Python's words for what no dialect takes, each with Go's.
_FLAWS = {
    "missing ), unterminated subpattern": "a parenthesis is not closed",
    "unbalanced parenthesis": "a parenthesis is closed that was not opened",
    "unterminated character set": "a bracket is not closed",
    "bad character range": "a range of characters is the wrong way round",
    "min repeat greater than max repeat": "a repetition wants more at least than at most",
    "multiple repeat": "a repetition is repeated",
    "bad escape (end of pattern)": "it ends in a backslash",
}
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


def flaw(pattern: str) -> str:
    """Return why Go cannot compile a pattern, "" where it can or where that is not certain."""
    found = NOT_IN_GO.search(pattern)
    if found:
        return f"Go has no {found[0]}"
    if _OTHERWISE.search(pattern):
        return ""
    try:
        re.compile(_NAMED.sub("(?P<", pattern))
    except re.error as error:
        return next((words for said, words in _FLAWS.items() if error.msg.startswith(said)), "")
    return ""


def unknown_groups(pattern: str, template: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the groups that a template names and a pattern has not, and those that it has; () where it cannot be read.

    Go takes the longest name (``$12x`` is the group ``12x``) and fills in nothing where there is no such group
    (regexp.Regexp.Expand of Go 1.26); ``$$`` is a dollar.
    """
    try:
        read = re.compile(_NAMED.sub("(?P<", pattern))
    except re.error:
        return (), ()
    has = {*read.groupindex, *map(str, range(read.groups + 1))}
    # A name in braces may be a variable that nothing has replaced yet.
    named = [bare for _, bare in _TEMPLATE.findall(template.replace("$$", " ")) if bare]
    missing = tuple(dict.fromkeys(n for n in named if n not in has))
    return missing, (*read.groupindex,) or tuple(map(str, range(1, read.groups + 1)))


def _expand(template: str, match: re.Match[str]) -> str:
    """Fill $name and ${name} as Go's Regexp.Expand does: a group that is not there is empty."""
    named = {**{str(i): g or "" for i, g in enumerate((match[0], *match.groups()))}, **match.groupdict("")}
    return _TEMPLATE.sub(lambda found: named.get(found[1] or found[2], ""), template)


def sample(tags: Tags) -> str:
    """Write a few of the tags."""
    more = "" if tags.complete and len(tags.found) <= 4 else " ..."  # noqa: PLR2004 - as many as fit a line
    return f"{', '.join(tags.found[:4])}{more}" if tags.found else "none"

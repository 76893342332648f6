"""The tags of an image, and how an ImagePolicy filters them (image-reflector-controller 1.2)."""

import re
from dataclasses import dataclass

from fluxdoctor import Cluster, OciTags, Ref, Resource

_TEMPLATE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_NAMED = re.compile(r"(?<!\\)(?:\\\\)*\(\?<(?=[A-Za-z_])")
#: Syntax that Python parses differently from Go, or not at all: such patterns are not judged.
_AMBIGUOUS = re.compile(r"\\[QEzpPCx0]|\[\[:|\(\?[a-zA-Z-]*[UsmiL-]|\(\?[#(]")
#: Python's messages for errors in any dialect, each with the message of Go 1.26 (regexp/syntax.ErrorCode).
_FLAWS = {
    "missing ), unterminated subpattern": "missing closing )",
    "unbalanced parenthesis": "unexpected )",
    "unterminated character set": "missing closing ]",
    "bad character range": "invalid character class range",
    "min repeat greater than max repeat": "invalid repeat count",
    "multiple repeat": "invalid nested repetition operator",
    "bad escape (end of pattern)": "trailing backslash at end of expression",
}
#: Syntax that Go does not support: look-around, back references, possessive quantifiers and atomic groups.
NOT_IN_GO = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?(?:=|!|<=|<!|>)|\\[1-9]|[*+?}]\+)")


@dataclass(frozen=True, slots=True)
class Tags:
    """The known tags of an ImageRepository; ``is_complete`` if there are no others."""

    repository: Ref
    names: tuple[str, ...]
    is_complete: bool


def of(policy: Resource, cluster: Cluster, oci: OciTags | None) -> Tags | None:
    """Return the tags that a policy selects from; None if its ImageRepository is not known or has no scan result."""
    name = policy.text("spec.imageRepositoryRef.name")
    namespace = policy.text("spec.imageRepositoryRef.namespace") or policy.namespace
    ref = Ref("ImageRepository", namespace, name)
    repository = cluster.get(ref)
    if repository is None or not repository.has("status.lastScanResult"):
        return None
    tags = oci.tags(ref) if oci else None
    if tags is not None:
        return Tags(ref, tags, is_complete=True)
    # The status has at most ten tags, in descending alphabetical order; tagCount counts all.
    latest = repository.strings("status.lastScanResult.latestTags")
    return Tags(ref, latest, is_complete=repository.number("status.lastScanResult.tagCount") == len(latest))


def filtered(policy: Resource, tags: tuple[str, ...]) -> tuple[str, ...] | None:
    """Apply spec.filterTags to tags; return None if Python cannot evaluate its pattern as Go does."""
    pattern, extract = policy.text("spec.filterTags.pattern"), policy.text("spec.filterTags.extract")
    if not pattern:
        return tags
    try:
        expression = re.compile(pattern)
    except re.error:
        return None
    if NOT_IN_GO.search(pattern):
        return None
    matches = [(tag, match) for tag in tags if (match := expression.search(tag))]
    return tuple(_expand(extract, match) if extract else tag for tag, match in matches)


def flaw(pattern: str) -> str:
    """Return why Go cannot compile a pattern; "" if it can, or if that is uncertain."""
    unsupported = NOT_IN_GO.search(pattern)
    if unsupported:
        return f"Go does not support {unsupported[0]}"
    if _AMBIGUOUS.search(pattern):
        return ""
    try:
        re.compile(_NAMED.sub("(?P<", pattern))
    except re.error as error:
        return next((flaw for prefix, flaw in _FLAWS.items() if error.msg.startswith(prefix)), "")
    return ""


def unknown_groups(pattern: str, template: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the groups of a template that a pattern does not have, and those that it has; () if it cannot be parsed.

    Go reads the longest name (``$12x`` is the group ``12x``) and replaces a missing group with an empty text
    (regexp.Regexp.Expand of Go 1.26); ``$$`` is a dollar.
    """
    try:
        expression = re.compile(_NAMED.sub("(?P<", pattern))
    except re.error:
        return (), ()
    groups = {*expression.groupindex, *map(str, range(expression.groups + 1))}
    # A name in braces may be a postBuild variable that has not been substituted yet.
    names = [bare for _, bare in _TEMPLATE.findall(template.replace("$$", " ")) if bare]
    missing = tuple(dict.fromkeys(n for n in names if n not in groups))
    return missing, (*expression.groupindex,) or tuple(map(str, range(1, expression.groups + 1)))


def _expand(template: str, match: re.Match[str]) -> str:
    """Replace $name and ${name} as Go's Regexp.Expand does: a missing group is empty."""
    groups = {**{str(i): g or "" for i, g in enumerate((match[0], *match.groups()))}, **match.groupdict("")}
    return _TEMPLATE.sub(lambda variable: groups.get(variable[1] or variable[2], ""), template)


def sample(tags: Tags) -> str:
    """Return the first tags as text, with an ellipsis if there are more."""
    more = "" if tags.is_complete and len(tags.names) <= 4 else " ..."  # noqa: PLR2004 - as many as fit a line
    return f"{', '.join(tags.names[:4])}{more}" if tags.names else "none"

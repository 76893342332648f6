"""The tags of an image, and how an ImagePolicy filters them (image-reflector-controller 1.2)."""

from dataclasses import dataclass

from fluxdoctor import Cluster, OciTags, Ref, Resource, go_regex


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
    """Apply spec.filterTags to tags; return None if Go cannot compile the pattern, or a limit is exceeded."""
    pattern, extract = policy.text("spec.filterTags.pattern"), policy.text("spec.filterTags.extract")
    if not pattern:
        return tags
    try:
        if not extract:
            return go_regex.filtered(pattern, tags)
        regex = go_regex.compiled(pattern)
        return tuple(text for tag in tags if (text := regex.expand(tag, extract)) is not None)
    except (go_regex.InvalidRegexError, go_regex.RegexLimitError):
        return None


def unknown_groups(pattern: str, template: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the groups of a template that a pattern does not have, and those that it has; () if it is not compiled."""
    try:
        regex = go_regex.compiled(pattern)
    except (go_regex.InvalidRegexError, go_regex.RegexLimitError):
        return (), ()
    missing = tuple(name for name in go_regex.template_groups(template) if name not in regex.known_groups)
    return missing, regex.groups


def sample(tags: Tags) -> str:
    """Return the first tags as text, with an ellipsis if there are more."""
    more = "" if tags.is_complete and len(tags.names) <= 4 else " ..."  # noqa: PLR2004 - as many as fit a line
    return f"{', '.join(tags.names[:4])}{more}" if tags.names else "none"

"""An OCIRepository requests a tag that its registry does not have."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, OciTags, Problem, Resource, State, state
from fluxdoctor_rules.oci._registry import alternatives

_MESSAGE = re.compile(
    r"^(?!.*(?:NAME_UNKNOWN|[Rr]epository \S+ (?:not found|does not exist))).*"
    r"/manifests/(?:sha256:[0-9a-f]+|[\w.-]+): (?:MANIFEST_UNKNOWN|NOT_FOUND|unexpected status code 404)",
    re.S,
)


def check(cluster: Cluster, failures: Failures, oci: OciTags | None) -> Iterator[Problem]:
    """Compare the tag of an OCIRepository that fails, or has no status yet, with the tags of the registry."""
    reported = {f.ref for f in failures.failed if _MESSAGE.search(f.message)}
    for repository in cluster.active("OCIRepository"):
        ref = repository.fields("spec.ref")
        if ref.text("digest") or ref.text("semver") or state(repository) not in (State.FAILED, State.NEW):
            continue
        tag = ref.text("tag") or "latest"
        tags = oci.tags(repository.ref) if oci else None
        is_absent = bool(tags) and tag not in (tags or ())
        if is_absent or repository.ref in reported:
            yield _problem(repository, tag, tags, Confidence.PROVEN if is_absent else Confidence.REPORTED)


def _problem(repository: Resource, tag: str, tags: tuple[str, ...] | None, confidence: Confidence) -> Problem:
    facts = {
        "tag": tag,
        "url": repository.text("spec.url"),
        "unset": "" if repository.text("spec.ref.tag") else " (spec.ref sets no tag, so Flux uses latest)",
        "hint": alternatives(tag, tags) if tags and tag not in tags else "",
    }
    return Problem(repository.ref, facts, field="spec.ref.tag", confidence=confidence)

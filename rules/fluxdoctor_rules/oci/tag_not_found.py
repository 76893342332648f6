"""An OCIRepository asks for a tag that its registry does not have."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, OciTags, Problem, Resource, State, state

from ._registry import instead

_SAID = re.compile(
    r"^(?!.*(?:NAME_UNKNOWN|[Rr]epository \S+ (?:not found|does not exist))).*"
    r"/manifests/(?:sha256:[0-9a-f]+|[\w.-]+): (?:MANIFEST_UNKNOWN|NOT_FOUND|unexpected status code 404)",
    re.S,
)


def check(cluster: Cluster, failures: Failures, oci: OciTags | None) -> Iterator[Problem]:
    """Compare the tag of a repository that fails, or was never read, with the list of the registry."""
    told = {f.ref for f in failures.failed if _SAID.search(f.message)}
    for repository in cluster.all("OCIRepository"):
        ref = repository.fields("spec.ref")
        if ref.text("digest") or ref.text("semver") or state(repository) not in (State.FAILED, State.NEW):
            continue
        tag = ref.text("tag") or "latest"
        tags = oci.tags(repository.ref) if oci else None
        absent = bool(tags) and tag not in (tags or ())
        if absent or repository.ref in told:
            yield _problem(repository, tag, tags, Confidence.PROVEN if absent else Confidence.REPORTED)


def _problem(repository: Resource, tag: str, tags: tuple[str, ...] | None, how: Confidence) -> Problem:
    facts = {
        "tag": tag,
        "url": repository.text("spec.url"),
        "unset": "" if repository.text("spec.ref.tag") else " (spec.ref says none, so Flux takes latest)",
        "nearest": instead(tag, tags) if tags and tag not in tags else "",
    }
    return Problem(repository.ref, facts, field="spec.ref.tag", confidence=how)

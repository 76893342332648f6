"""The annotations of an object are longer than the API server allows."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem, kubectl, object_names, release_namespace
from fluxdoctor_rules.kustomize._apply_errors import ref_of

_KEY = "kubectl.kubernetes.io/last-applied-configuration"
_OBJECT = re.compile(
    r"(?P<object>(?<![\w/])[A-Z]\w{0,80}+/\S{1,300}+|(?<![\w/])[A-Z]\w{0,80}+(?:\.\S{1,200}+)? \"[^\"]+\")"
    r" (?:(?:dry-run|apply) failed|is invalid)"
)
_LIMIT = re.compile(r"metadata\.annotations: Too long: must have at most (?P<limit>\d+) bytes")


def check(failures: Failures) -> Iterator[Problem]:
    """Name the object in the message, and the command that removes the annotation of kubectl."""
    for failure in failures.failed:
        named = next((facts for words in failure.words if (facts := _named(words.message))), None)
        if named:
            namespace = release_namespace(failure.resource) if failure.ref.kind == "HelmRelease" else ""
            facts = object_names.canonical(named, namespace)
            removal = kubectl("annotate", ref_of(facts["object"]), rest=f"{_KEY}-")
            yield Problem(
                failure.ref,
                {**facts, "removal": f". Run: {removal}"},
                field="spec.path",
                confidence=Confidence.REPORTED,
            )


def _named(message: str) -> dict[str, str]:
    """Return the first object that a message rejects, and the limit that follows it; {} if it names none."""
    text = " ".join(message.split())
    # Two searches: one pattern for both would look for the limit again after each object.
    limits = list(_LIMIT.finditer(text))
    rejected = _OBJECT.search(text, 0, limits[-1].start()) if limits else None
    if rejected is None:
        return {}
    limit = next(m["limit"] for m in limits if m.start() >= rejected.end())
    return {"object": rejected["object"], "limit": limit}

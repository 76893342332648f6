"""The annotations of an object are longer than the API server allows."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, Problem, kubectl, object_names, release_namespace
from fluxdoctor_rules.kustomize._apply_errors import ref_of

_KEY = "kubectl.kubernetes.io/last-applied-configuration"
_MESSAGE = re.compile(
    r"(?P<object>(?<!\S)[A-Z]\w{0,80}+/\S{1,300}+|(?<!\S)[A-Z]\w{0,80}+(?:\.\S{1,200}+)? \"[^\"]+\")"
    r" (?:(?:dry-run|apply) failed|is invalid).*?"
    r"metadata\.annotations: Too long: must have at most (?P<limit>\d+) bytes"
)


def check(failures: Failures) -> Iterator[Problem]:
    """Name the object in the message, and the command that removes the annotation of kubectl."""
    for failure in failures.failed:
        match = next((m for w in failure.words if (m := _MESSAGE.search(" ".join(w.message.split())))), None)
        if match:
            namespace = release_namespace(failure.resource) if failure.ref.kind == "HelmRelease" else ""
            facts = object_names.canonical(match.groupdict(), namespace)
            removal = kubectl("annotate", ref_of(facts["object"]), rest=f"{_KEY}-")
            yield Problem(
                failure.ref,
                {**facts, "removal": f". Run: {removal}"},
                field="spec.path",
                confidence=Confidence.REPORTED,
            )

"""Image automation cannot check out its branch, because nobody can read the repository."""

import re
from collections.abc import Iterator

from fluxdoctor import Edge, Evidence, Failures, Graph, Problem

_MATCH = re.compile(r"failed to checkout source: (?P<why>.+)|^(?P<own>unable to (?:clone|fetch-connect to remote) '.+)")


def check(graph: Graph, failures: Failures) -> Iterator[Problem]:
    """It clones with the URL and the Secret of its GitRepository: where that one cannot be fetched either, there is one cause."""
    for failure in failures.failed:
        if failure.ref.kind != "ImageUpdateAutomation":
            continue
        found = next((m for w in failure.words if (m := _MATCH.search(" ".join(w.message.split())))), None)
        if found is None or _own_branch(found[0], failure.resource.text("spec.git.checkout.ref.branch")):
            continue
        for reference in graph.needs(failure.ref, Edge.SOURCE):
            source = failures.of(reference.target)
            reason = source.words[0].reason if source and source.words else ""
            if source and reason in ("GitOperationFailed", "AuthenticationFailed"):
                proof = Evidence(f"{source.ref} cannot be fetched either", f"{source.ref} condition Ready=False")
                yield Problem(failure.ref, {"why": found["why"] or found["own"]}, (proof,), because=(source.ref,))


def _own_branch(message: str, branch: str) -> bool:
    """It asks for a branch of its own, and that is what is missing."""
    return bool(branch) and f"refs/heads/{branch}" in message

"""Image automation cannot check out its branch because its GitRepository cannot be fetched."""

import re
from collections.abc import Iterator

from fluxdoctor import Edge, Evidence, Failures, Graph, Problem

_MATCH = re.compile(r"failed to checkout source: (?P<why>.+)|^(?P<own>unable to (?:clone|fetch-connect to remote) '.+)")


def check(graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Report a failed checkout under its GitRepository if that cannot be fetched either.

    The controller clones with the URL and the Secret of the GitRepository, so both have one cause.
    """
    for failure in failures.failed:
        if failure.ref.kind != "ImageUpdateAutomation":
            continue
        match = next((m for w in failure.words if (m := _MATCH.search(" ".join(w.message.split())))), None)
        if match is None or _is_own_branch(match[0], failure.resource.text("spec.git.checkout.ref.branch")):
            continue
        for reference in graph.needs(failure.ref, Edge.SOURCE):
            source = failures.of(reference.target)
            reason = source.words[0].reason if source and source.words else ""
            if source and reason in ("GitOperationFailed", "AuthenticationFailed"):
                proof = Evidence.condition(
                    f"{source.ref} cannot be fetched either",
                    f"{source.ref} condition Ready=False",
                )
                yield Problem(failure.ref, {"why": match["why"] or match["own"]}, (proof,), because=(source.ref,))


def _is_own_branch(message: str, branch: str) -> bool:
    """Return whether the missing branch is the one of spec.git.checkout.ref, not that of the GitRepository."""
    return bool(branch) and f"refs/heads/{branch}" in message

"""A GitRepository whose branch does not exist on its remote."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, GitTrees, Problem, Resource, State, state
from fluxdoctor_rules.source._git import HEADS, checkout_ref, remote_names, similar, similar_hint
from fluxdoctor_rules.source._messages import failing_with

_MESSAGE = re.compile(r"couldn.t find remote ref ['\"]refs/heads/(?P<branch>[^'\"]+)")


def check(cluster: Cluster, failures: Failures, git: GitTrees | None) -> Iterator[Problem]:
    """Compare the branch of a failing repository with the remote's refs; without refs, rely on the message."""
    reported = {resource.ref for resource, _ in failing_with(failures, _MESSAGE, "GitRepository")}
    for repository in cluster.active("GitRepository"):
        field, branch = checkout_ref(repository)
        offered = remote_names(git, repository, HEADS)
        is_absent = offered is not None and branch not in offered and state(repository) is State.FAILED
        if field == "branch" and (is_absent or repository.ref in reported):
            yield _problem(repository, branch, offered, Confidence.PROVEN if is_absent else Confidence.REPORTED)


def _problem(repository: Resource, branch: str, offered: tuple[str, ...] | None, confidence: Confidence) -> Problem:
    branch_is_set = bool(repository.text("spec.ref.branch"))
    # Most repositories have renamed the default branch from master to main.
    candidates = similar(branch if branch_is_set else "main", offered or ())
    facts = {
        "branch": branch,
        "url": repository.text("spec.url"),
        "unset": "" if branch_is_set else " (Flux uses master because spec.ref.branch is not set)",
        "hint": similar_hint(branch if branch_is_set else "main", offered),
        "instead": candidates[0] if candidates else "a branch that exists",
    }
    return Problem(repository.ref, facts, field="spec.ref.branch", confidence=confidence)

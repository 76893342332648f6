"""A GitRepository asks for a branch that its remote does not have."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, GitTrees, Problem, Resource, State, state

from ._git import HEADS, instead, names, nearest, wanted
from ._said import saying

_SAID = re.compile(r"couldn.t find remote ref ['\"]refs/heads/(?P<branch>[^'\"]+)")


def check(cluster: Cluster, failures: Failures, git: GitTrees | None) -> Iterator[Problem]:
    """Compare a failing repository's branch with the remote's refs; without them, say what spec.ref leaves out."""
    told = {resource.ref for resource, _ in saying(failures, _SAID, "GitRepository")}
    for repository in cluster.all("GitRepository"):
        field, branch = wanted(repository)
        offered = names(git, repository, HEADS)
        absent = offered is not None and branch not in offered and state(repository) is State.FAILED
        if field == "branch" and (absent or repository.ref in told):
            yield _problem(repository, branch, offered, Confidence.PROVEN if absent else Confidence.REPORTED)


def _problem(repository: Resource, branch: str, offered: tuple[str, ...] | None, how: Confidence) -> Problem:
    unset = "" if repository.text("spec.ref.branch") else " (spec.ref says none, so Flux takes master)"
    # Who asks for master because nothing else was said looks for the branch that is called main today.
    near = nearest("main" if unset else branch, offered or ())
    facts = {
        "branch": branch,
        "url": repository.text("spec.url"),
        "unset": unset,
        "nearest": instead("main" if unset else branch, offered),
        "instead": near[0] if near else "a branch that exists",
    }
    return Problem(repository.ref, facts, field="spec.ref.branch", confidence=how)

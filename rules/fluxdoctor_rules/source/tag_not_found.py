"""A GitRepository asks for a tag that its remote does not have."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, GitTrees, Problem, State, state

from ._git import TAGS, instead, names, nearest, wanted
from ._said import saying

_SAID = re.compile(r"couldn.t find remote ref ['\"]refs/tags/")


def check(cluster: Cluster, failures: Failures, git: GitTrees | None) -> Iterator[Problem]:
    """Compare a failing repository's tag with the remote's refs."""
    told = {resource.ref for resource, _ in saying(failures, _SAID, "GitRepository")}
    for repository in cluster.all("GitRepository"):
        field, tag = wanted(repository)
        offered = names(git, repository, TAGS)
        absent = offered is not None and tag not in offered and state(repository) is State.FAILED
        if field == "tag" and (absent or (repository.ref in told and offered is None)):
            near = nearest(tag, offered or ())
            facts = {
                "tag": tag,
                "url": repository.text("spec.url"),
                "nearest": instead(tag, offered),
                "instead": near[0] if near else "a tag that exists",
            }
            how = Confidence.PROVEN if absent else Confidence.REPORTED
            yield Problem(repository.ref, facts, field="spec.ref.tag", confidence=how)

"""A GitRepository whose tag does not exist on its remote."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, GitTrees, Problem, State, state
from fluxdoctor_rules.source._git import TAGS, checkout_ref, remote_names, similar, similar_hint
from fluxdoctor_rules.source._messages import failing_with

_MESSAGE = re.compile(r"couldn.t find remote ref ['\"]refs/tags/")


def check(cluster: Cluster, failures: Failures, git: GitTrees | None) -> Iterator[Problem]:
    """Compare the tag of a failing repository with the remote's refs."""
    reported = {resource.ref for resource, _ in failing_with(failures, _MESSAGE, "GitRepository")}
    for repository in cluster.active("GitRepository"):
        field, tag = checkout_ref(repository)
        offered = remote_names(git, repository, TAGS)
        is_absent = offered is not None and tag not in offered and state(repository) is State.FAILED
        if field == "tag" and (is_absent or (repository.ref in reported and offered is None)):
            candidates = similar(tag, offered or ())
            facts = {
                "tag": tag,
                "url": repository.text("spec.url"),
                "hint": similar_hint(tag, offered),
                "instead": candidates[0] if candidates else "a tag that exists",
            }
            confidence = Confidence.PROVEN if is_absent else Confidence.REPORTED
            yield Problem(repository.ref, facts, field="spec.ref.tag", confidence=confidence)

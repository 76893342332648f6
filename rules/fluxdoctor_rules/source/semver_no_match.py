"""A GitRepository whose version range matches no tag of its remote."""

from collections.abc import Iterator

from fluxdoctor import Cluster, GitTrees, Problem, State, semver, state
from fluxdoctor_rules.source._git import TAGS, checkout_ref, remote_names


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Compare the remote's tags with the range as the controller does; only failing repositories are checked."""
    for repository in cluster.active("GitRepository"):
        field, constraint = checkout_ref(repository)
        offered = remote_names(git, repository, TAGS)
        if field != "semver" or offered is None or state(repository) is not State.FAILED:
            continue
        try:
            matching = semver.satisfying(constraint, offered)
        except semver.InvalidConstraint:
            continue  # source/semver-invalid reports it
        if not matching:
            facts = {"range": constraint, "url": repository.text("spec.url"), "offered": _offered(constraint, offered)}
            yield Problem(repository.ref, facts, field="spec.ref.semver")


def _offered(constraint: str, tags: tuple[str, ...]) -> str:
    versions = semver.satisfying("*-0", tags)
    if not versions:
        return f"; {'none of its tags is a version' if tags else 'it has no tags'}"
    prereleases = [v for v in versions if _release_of(v) and semver.satisfying(constraint, (_release_of(v),))]
    hint = f"; a prerelease such as {prereleases[0]} only matches a range like >=0.0.0-0" if prereleases else ""
    return f"; its newest tags are {', '.join(versions[:3])}{hint}"


def _release_of(version: str) -> str:
    """Return the release version of a prerelease; "" for a release."""
    head, dash, _ = version.partition("-")
    return head if dash else ""

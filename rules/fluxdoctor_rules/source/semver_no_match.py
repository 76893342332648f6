"""No tag of a git remote satisfies the range that a GitRepository asks for."""

from collections.abc import Iterator

from fluxdoctor import Cluster, GitTrees, Problem, State, semver, state

from ._git import TAGS, names, wanted


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Read the remote's tags as the controller does; a repository that is content is left alone."""
    for repository in cluster.all("GitRepository"):
        field, constraint = wanted(repository)
        offered = names(git, repository, TAGS)
        if field != "semver" or offered is None or state(repository) is not State.FAILED:
            continue
        try:
            matching = semver.satisfying(constraint, offered)
        except semver.InvalidConstraint:
            continue  # another rule's business
        if not matching:
            facts = {"range": constraint, "url": repository.text("spec.url"), "offered": _offered(constraint, offered)}
            yield Problem(repository.ref, facts, field="spec.ref.semver")


def _offered(constraint: str, tags: tuple[str, ...]) -> str:
    versions = semver.satisfying("*-0", tags)
    if not versions:
        return f", and {'none of its tags is a version' if tags else 'it has no tag'}"
    early = [v for v in versions if _released(v) and semver.satisfying(constraint, (_released(v),))]
    hint = f"; prereleases such as {early[0]} count only in a range like >=0.0.0-0" if early else ""
    return f", whose newest are {', '.join(versions[:3])}{hint}"


def _released(version: str) -> str:
    """Return the release that a prerelease leads to, "" for a release."""
    head, dash, _ = version.partition("-")
    return head if dash else ""

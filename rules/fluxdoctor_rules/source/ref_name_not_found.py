"""A GitRepository asks for a ref by its full name that its remote does not have."""

from collections.abc import Iterator

from fluxdoctor import Cluster, GitTrees, Problem, State, state

from ._git import HEADS, TAGS, instead, wanted


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Compare spec.ref.name of a failing repository with the remote's refs."""
    for repository in cluster.all("GitRepository"):
        field, name = wanted(repository)
        refs = git.refs(repository.ref)
        if field == "name" and refs and name not in refs and state(repository) is State.FAILED:
            full = [ref for ref in refs if ref in (HEADS + name, TAGS + name)]
            near = (
                f"; the full name is {full[0]}" if full else instead(name, [r for r in refs if not r.endswith("^{}")])
            )
            facts = {"name": name, "url": repository.text("spec.url"), "nearest": near}
            yield Problem(repository.ref, facts, field="spec.ref.name")

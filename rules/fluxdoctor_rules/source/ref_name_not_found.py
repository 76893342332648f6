"""A GitRepository whose spec.ref.name does not exist on its remote."""

from collections.abc import Iterator

from fluxdoctor import Cluster, GitTrees, Problem, State, state, suggestion
from fluxdoctor_rules.source._git import HEADS, TAGS, checkout_ref, similar_hint


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Compare spec.ref.name of a failing repository with the remote's refs."""
    for repository in cluster.active("GitRepository"):
        field, name = checkout_ref(repository)
        refs = git.refs(repository.ref)
        if field == "name" and refs and name not in refs and state(repository) is State.FAILED:
            full = [ref for ref in refs if ref in (HEADS + name, TAGS + name)]
            hint = suggestion(full[:1]) or similar_hint(name, [r for r in refs if not r.endswith("^{}")])
            facts = {"name": name, "url": repository.text("spec.url"), "hint": hint}
            yield Problem(repository.ref, facts, field="spec.ref.name")

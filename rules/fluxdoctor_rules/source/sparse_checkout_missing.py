"""A directory in spec.sparseCheckout that does not exist in the repository."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, GitTrees, Problem, Tree, suggestion
from fluxdoctor_rules.source._messages import failing_with

_MESSAGE = re.compile(r"sparse checkout dir '(?P<directory>[^']+)' does not exist")


def check(failures: Failures, git: GitTrees) -> Iterator[Problem]:
    """Look up the directory in the files of the repository, and suggest similar ones."""
    for repository, match in failing_with(failures, _MESSAGE, "GitRepository"):
        tree = git.tree(repository.ref)
        if tree is None:
            continue
        directory = match["directory"]
        facts = {
            "directory": directory,
            "url": repository.text("spec.url"),
            "hint": _hint(tree, directory),
        }
        directories = repository.strings("spec.sparseCheckout")
        field = (
            f"spec.sparseCheckout[{directories.index(directory)}]"
            if directory in directories
            else "spec.sparseCheckout"
        )
        confidence = Confidence.REPORTED if tree.is_directory(directory) else Confidence.PROVEN
        yield Problem(repository.ref, facts, field=field, confidence=confidence)


def _hint(tree: Tree, directory: str) -> str:
    """Return similar directories, else those at the root of the repository."""
    root = sorted(d for d in tree.directories if d and "/" not in d)
    return suggestion(tree.nearest(directory)) or (f"; its root has {', '.join(root[:8])}" if root else "")

"""A directory of spec.sparseCheckout is not in the repository."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, GitTrees, Problem

from ._said import saying

_SAID = re.compile(r"sparse checkout dir '(?P<directory>[^']+)' does not exist")


def check(failures: Failures, git: GitTrees) -> Iterator[Problem]:
    """Look the directory up in the files of the repository, and name those most like it."""
    for repository, found in saying(failures, _SAID, "GitRepository"):
        tree = git.tree(repository.ref)
        if tree is None:
            continue
        directory = found["directory"]
        near = tree.nearest(directory)
        top = sorted(d for d in tree.directories if d and "/" not in d)
        facts = {
            "directory": directory,
            "url": repository.text("spec.url"),
            "nearest": f"; the nearest is {near[0]}"
            if near
            else f"; at its root there are {', '.join(top[:8])}"
            if top
            else "",
        }
        listed = repository.strings("spec.sparseCheckout")
        field = f"spec.sparseCheckout[{listed.index(directory)}]" if directory in listed else "spec.sparseCheckout"
        how = Confidence.REPORTED if tree.is_directory(directory) else Confidence.PROVEN
        yield Problem(repository.ref, facts, field=field, confidence=how)

"""A submodule on another host, to which the credentials of the repository do not apply."""

import re
from collections.abc import Iterator

from fluxdoctor import Confidence, Failures, GitTrees, Location, Problem, Resource, Tree
from fluxdoctor_rules.source._git import NOT_FOUND, REFUSED, host
from fluxdoctor_rules.source._messages import failing_with

_URL = re.compile(r"^\s*url\s*=\s*(?P<url>\S+)")
_FILE = ".gitmodules"


def check(failures: Failures, git: GitTrees) -> Iterator[Problem]:
    """Read the submodule URLs of rejected repositories that fetch submodules."""
    for pattern in (REFUSED, NOT_FOUND):
        for repository, _ in failing_with(failures, pattern, "GitRepository"):
            tree = git.tree(repository.ref)
            if repository.flag("spec.recurseSubmodules") and tree and tree.is_file(_FILE):
                yield from _problems(repository, tree)


def _problems(repository: Resource, tree: Tree) -> Iterator[Problem]:
    scheme = repository.text("spec.url").partition("://")[0]
    for number, line in enumerate(tree.text(_FILE).decode("utf-8", "replace").splitlines(), 1):
        match = _URL.match(line)
        url = match["url"] if match else ""
        submodule_host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
        is_elsewhere = submodule_host and (submodule_host != host(repository) or not url.startswith(scheme + "://"))
        if is_elsewhere or re.match(r"[\w.-]+@[\w.-]+:", url):
            facts = {"url": url, "own": f"{scheme}://{host(repository)}", "file": _FILE}
            yield Problem(
                repository.ref,
                facts,
                field="spec.recurseSubmodules",
                key=url,
                location=Location(_FILE, number),
                confidence=Confidence.LIKELY,
            )

"""A file with a marker is not valid YAML: image automation skips it."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Graph, Problem
from fluxdoctor_rules.image import _markers


def check(cluster: Cluster, graph: Graph, git: GitTrees) -> Iterator[Problem]:
    """Parse each file with a marker below the path of an automation."""
    for work in _markers.works(cluster, graph, git):
        for file in dict.fromkeys(m.location.file for m in work.inside):
            if flaw := work.tree.parsed(file).flaw:
                facts = {"file": str(flaw.location), "why": flaw.problem}
                yield Problem(work.automation.ref, facts, (Evidence.file(flaw.problem, str(flaw.location)),),
                              location=flaw.location, key=file)  # fmt: skip

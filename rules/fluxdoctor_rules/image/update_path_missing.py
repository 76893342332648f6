"""spec.update.path of an automation does not exist in the repository."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Graph, Problem, suggestion
from fluxdoctor_rules.image import _markers


def check(cluster: Cluster, graph: Graph, git: GitTrees) -> Iterator[Problem]:
    """Look up the path in the branch that the automation checks out."""
    for work in _markers.works(cluster, graph, git):
        if work.path and not work.tree.is_directory(work.path) and not work.tree.is_file(work.path):
            facts = {"missing": work.path, "hint": suggestion(work.tree.nearest(work.path))}
            proof = Evidence.field(f"{work.path} is not among {len(work.tree.paths)} files", str(work.automation.ref))
            yield Problem(work.automation.ref, facts, (proof,), field="spec.update.path")

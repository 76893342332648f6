"""spec.update.path of an automation is not in the repository."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Graph, Problem
from fluxdoctor_rules.image import _markers


def check(cluster: Cluster, graph: Graph, trees: GitTrees) -> Iterator[Problem]:
    """Look the path up in the branch that the automation checks out."""
    for work in _markers.works(cluster, graph, trees):
        if work.path and not work.tree.is_directory(work.path) and not work.tree.is_file(work.path):
            near = work.tree.nearest(work.path)
            facts = {"missing": work.path, "near": f"; the nearest is {near[0]}" if near else ""}
            proof = Evidence(f"no {work.path} among {len(work.tree.paths)} files", str(work.automation.ref))
            yield Problem(work.automation.ref, facts, (proof,), field="spec.update.path")

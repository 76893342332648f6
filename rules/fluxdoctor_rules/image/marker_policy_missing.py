"""A comment in git names an ImagePolicy that does not exist: its line is never changed."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Graph, Problem, Unknown
from fluxdoctor_rules.image import _markers


def check(cluster: Cluster, graph: Graph, trees: GitTrees) -> Iterator[Problem | Unknown]:
    """Look up the policy of every marker in the namespace of the automation that would apply it."""
    for work in _markers.works(cluster, graph, trees):
        told = set()
        for marker in work.inside:
            policy, automation = marker.policy, work.automation
            if policy in told or policy.namespace != automation.namespace or "${" in policy.name:
                continue
            told.add(policy)
            found = cluster.look(policy)
            if found.unknown:
                yield Unknown(automation.ref, found.why)
            elif found.absent:
                near = difflib.get_close_matches(policy.name, cluster.names("ImagePolicy", policy.namespace), 1, 0.6)
                facts = {
                    "policy": policy.name,
                    "file": str(marker.location),
                    "near": f"; the nearest name is {near[0]}" if near else "",
                }
                proof = Evidence(f"a marker for {policy.namespace}:{policy.name}", str(marker.location))
                yield Problem(
                    automation.ref, facts, (proof,), location=marker.location, key=str(policy), missing=policy
                )

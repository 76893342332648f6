"""A marker names an ImagePolicy that does not exist: its line is never updated."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Graph, Problem, Ref, Unknown, did_you_mean
from fluxdoctor_rules.image import _markers


def check(cluster: Cluster, graph: Graph, git: GitTrees) -> Iterator[Problem | Unknown]:
    """Look up the policy of every marker in the namespace of the automation that applies it."""
    for work in _markers.works(cluster, graph, git):
        policies: set[Ref] = set()
        for marker in work.inside:
            policy, automation = marker.policy, work.automation
            if policy in policies or policy.namespace != automation.namespace or "${" in policy.name:
                continue
            policies.add(policy)
            lookup = cluster.look(policy)
            if lookup.unknown:
                yield lookup.as_unknown(automation.ref)
            elif lookup.absent:
                near = did_you_mean(policy.name, cluster.names("ImagePolicy", policy.namespace))
                facts = {"policy": policy.named, "file": str(marker.location), "hint": near}
                proof = Evidence.file(f"marker for {policy}", str(marker.location))
                yield Problem(
                    automation.ref, facts, (proof,), location=marker.location, key=str(policy), missing=policy
                )

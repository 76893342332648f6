"""A ResourceSet whose providers export no inputs: it applies nothing and deletes what it applied before."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Graph, Problem, Resource, State, state

#: Types of providers whose lists are empty from time to time: no open pull request, no matching branch.
_OFTEN_EMPTY = ("PullRequest", "MergeRequest", "Branch", "Environment")


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Read status.exportedInputs of the providers; an empty list of tags or of a service is a fault."""
    for resources in cluster.active("ResourceSet"):
        targets = [cluster.get(r.target) for r in graph.needs(resources.ref, Edge.INPUTS)]
        providers = [p for p in targets if p]
        has_selector = any(row.has("selector") for row in resources.rows("spec.inputsFrom"))
        if resources.rows("spec.inputs") or has_selector or not providers or len(providers) < len(targets):
            continue
        is_permuted = resources.text("spec.inputStrategy.name") == "Permute"
        empty = [p for p in providers if _is_empty(p)]
        has_no_input = bool(empty) and (is_permuted or len(empty) == len(providers))
        if has_no_input and not any(p.text("spec.type").endswith(_OFTEN_EMPTY) for p in empty):
            first = empty[0]
            facts = {"providers": ", ".join(str(p.ref) for p in empty)}
            proof = Evidence.field("status.exportedInputs is empty", str(first.ref))
            yield Problem(resources.ref, facts, (proof,), field="spec.inputsFrom")


def _is_empty(provider: Resource) -> bool:
    is_static = provider.text("spec.type") == "Static"
    return state(provider) is State.READY and not is_static and not provider.rows("status.exportedInputs")

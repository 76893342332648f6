"""A ResourceSet whose providers give it nothing: it applies nothing, and has deleted what it applied."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Graph, Problem, Resource, State, state

#: Lists that are empty every now and then: no open pull request, no branch of that name.
_OFTEN_EMPTY = ("PullRequest", "MergeRequest", "Branch", "Environment")


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Read what the providers exported; a list of requests or branches may be empty, one of tags or a service's not."""
    for resources in cluster.all("ResourceSet"):
        named = [cluster.get(r.target) for r in graph.needs(resources.ref, Edge.INPUTS)]
        providers = [p for p in named if p]
        selected = any(row.has("selector") for row in resources.rows("spec.inputsFrom"))
        if resources.rows("spec.inputs") or selected or not providers or len(providers) < len(named):
            continue
        permutes = resources.text("spec.inputStrategy.name") == "Permute"
        empty = [p for p in providers if _is_empty(p)]
        nothing = bool(empty) and (permutes or len(empty) == len(providers))
        if nothing and not any(p.text("spec.type").endswith(_OFTEN_EMPTY) for p in empty):
            first = empty[0]
            facts = {"providers": ", ".join(str(p.ref) for p in empty)}
            proof = Evidence("status.exportedInputs is empty", str(first.ref))
            yield Problem(resources.ref, facts, (proof,), field="spec.inputsFrom")


def _is_empty(provider: Resource) -> bool:
    static = provider.text("spec.type") == "Static"
    return state(provider) is State.READY and not static and not provider.rows("status.exportedInputs")

"""An automation has no branch to push to."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem

_OTHERS = ("tag", "semver", "commit", "name")


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Check push, then checkout, then the GitRepository, as image-automation-controller 1.2 does."""
    for automation in cluster.active("ImageUpdateAutomation"):
        if automation.has("spec.git.push"):
            continue
        source = next((cluster.get(r.target) for r in graph.needs(automation.ref, Edge.SOURCE)), None)
        own = automation.fields("spec.git.checkout.ref")
        ref = own if own.keys() else source.fields("spec.ref") if source else None
        if ref is None or ref.text("branch"):
            continue
        instead = next((f"{k} {ref.text(k)}" for k in _OTHERS if ref.text(k)), "")
        if instead or own.keys():
            facts = {"instead": instead or "no branch"}
            yield Problem(automation.ref, facts, field="spec.git.push.branch")

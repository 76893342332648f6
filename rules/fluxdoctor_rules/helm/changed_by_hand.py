"""An object of a release was changed by hand, and nothing puts it back."""

from collections.abc import Iterator
from datetime import datetime

from fluxdoctor import Clock, Cluster, Edge, Evidence, Graph, Problem, Resource, age, moment
from fluxdoctor_rules.helm import _edits
from fluxdoctor_rules.helm._releases import active, is_settled

_SHOWN = 3


def check(cluster: Cluster, graph: Graph, clock: Clock) -> Iterator[Problem]:
    """Read who wrote the objects of a release after it was deployed, where drift detection is off (the default)."""
    for release in active(cluster):
        deployed = moment(release.text("status.history.0.lastDeployed"))
        off = release.text("spec.driftDetection.mode") in ("", "disabled")
        if not (deployed and off and is_settled(release)):
            continue
        targets = dict.fromkeys(r.target for r in graph.needs(release.ref, Edge.APPLIES))
        found = [
            (live, *edit) for live in filter(None, map(cluster.get, targets)) for edit in _edits.by_hand(live, deployed)
        ]
        if found:
            yield _problem(release, found, clock)


def _problem(release: Resource, found: list[tuple[Resource, str, datetime, tuple[str, ...]]], clock: Clock) -> Problem:
    live, manager, at, fields = found[0]
    others = len({str(f[0].ref) for f in found}) - 1
    facts = {
        "object": str(live.ref),
        "fields": ", ".join(fields[:_SHOWN]) + (" ..." if len(fields) > _SHOWN else ""),
        "manager": manager,
        "when": f"{age(at, clock.taken)} ago",
        "more": f" (and {others} more object{'s' if others > 1 else ''})" if others else "",
        "name": release.name,
        "namespace": release.namespace,
    }
    proof = tuple(
        Evidence(f"{f[1]} wrote {', '.join(f[3][:_SHOWN])}", f"{f[0].ref} metadata.managedFields") for f in found
    )
    return Problem(release.ref, facts, evidence=proof[:_SHOWN], field="spec.driftDetection.mode")

"""An object of a release was changed by hand, and nothing reverts the change."""

from collections.abc import Iterator
from datetime import datetime

from fluxdoctor import Clock, Cluster, Edge, Evidence, Graph, Problem, Resource, age, moment
from fluxdoctor_rules.helm import _manual_edits
from fluxdoctor_rules.helm._releases import is_settled

_LISTED = 3


def check(cluster: Cluster, graph: Graph, clock: Clock) -> Iterator[Problem]:
    """Find manual changes to the objects of a release since it was deployed, if drift detection is off (the default)."""
    for release in cluster.active("HelmRelease"):
        deployed = moment(release.text("status.history.0.lastDeployed"))
        is_off = release.text("spec.driftDetection.mode") in ("", "disabled")
        if not (deployed and is_off and is_settled(release)):
            continue
        targets = dict.fromkeys(r.target for r in graph.needs(release.ref, Edge.APPLIES))
        edits = [
            (live, *edit)
            for live in filter(None, map(cluster.get, targets))
            for edit in _manual_edits.by_hand(live, deployed)
        ]
        if edits:
            yield _problem(release, edits, clock)


def _problem(release: Resource, edits: list[tuple[Resource, str, datetime, tuple[str, ...]]], clock: Clock) -> Problem:
    live, manager, time, fields = edits[0]
    others = len({str(edit[0].ref) for edit in edits}) - 1
    facts = {
        "object": str(live.ref),
        "fields": ", ".join(fields[:_LISTED]) + (" ..." if len(fields) > _LISTED else ""),
        "manager": manager,
        "when": f"{age(time, clock.taken)} ago",
        "more": f", as {'were' if others > 1 else 'was'} {others} other object{'s' if others > 1 else ''}"
        if others
        else "",
    }
    proof = tuple(
        Evidence.field(f"{tool} wrote {', '.join(changes[:_LISTED])}", f"{resource.ref} metadata.managedFields")
        for resource, tool, _, changes in edits
    )
    return Problem(release.ref, facts, evidence=proof[:_LISTED], field="spec.driftDetection.mode")

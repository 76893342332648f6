"""An object changes at every reconciliation of one revision: something reverts it."""

from collections import Counter
from collections.abc import Iterator

from fluxdoctor import Cluster, Event, Evidence, Failures, Problem, Ref, Resource, State, moment, state

_MANY = 3


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Count in the events how often an object was configured after the revision was first applied."""
    for kustomization in cluster.active("Kustomization"):
        events = cluster.events(kustomization.ref)
        first = moment(kustomization.text("status.history.0.firstReconciled")) if events else None
        if first is None or state(kustomization) is not State.READY or failures.of(kustomization.ref):
            continue
        counts: Counter[str] = Counter()
        for event in events:
            if event.type == "Normal" and event.at and event.at > first:
                counts.update(dict.fromkeys(_configured(event), event.count))
        # An event may also count changes of earlier revisions: a count above the number of reconciliations proves nothing.
        total = kustomization.number("status.history.0.totalReconciliations")
        for name, count in sorted(counts.items()):
            if _MANY <= count <= total:
                yield _problem(kustomization, name, count, cluster)


def _configured(event: Event) -> Iterator[str]:
    for line in event.message.splitlines():
        name, _, action = line.strip().partition(" ")
        if action == "configured" and "/" in name:
            yield name


def _problem(kustomization: Resource, name: str, count: int, cluster: Cluster) -> Problem:
    kind, _, rest = name.partition("/")
    namespace, slash, own = rest.partition("/")
    live = cluster.get(Ref(kind, namespace, own) if slash else Ref(kind, "", namespace))
    writers = {r.text("manager") for r in live.rows("metadata.managedFields") if r.text("manager")} if live else set()
    others = sorted(writers - {"kustomize-controller"})
    facts = {
        "object": name,
        "count": str(count),
        "who": f" ({', '.join(others)} also write{'s' if len(others) == 1 else ''} it)" if others else "",
    }
    proof = Evidence.event(
        f"configured {count} times since {kustomization.text('status.history.0.firstReconciled')}",
        f"{kustomization.ref} events",
    )
    return Problem(kustomization.ref, facts, evidence=(proof,), key=name)

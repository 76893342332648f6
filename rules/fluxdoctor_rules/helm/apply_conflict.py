"""Another field manager has set a field of an object that a chart renders."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref

_CONFLICT = re.compile(
    r"conflict occurred while applying object (?P<object>\S++) .{0,100}?Kind=(?P<kind>\w++): .{0,200}?"
    r'conflicts? with "(?P<manager>[^"]+)"(?P<rest>.*)',
    re.S,
)
_FIELD = re.compile(r"(?:\.[A-Za-z][\w-]*(?:\[[^\]]*\])?)+")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Find the manager from the API server's message in the managedFields of the object."""
    for failure in failures.failed:
        conflict = next((m for w in failure.words if (m := _CONFLICT.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or not conflict:
            continue
        manager = conflict["manager"]
        namespace, slash, name = conflict["object"].partition("/")
        ref = Ref(conflict["kind"], namespace, name) if slash else Ref(conflict["kind"], "", namespace)
        live = cluster.get(ref)
        rows = [r for r in live.rows("metadata.managedFields") if r.text("manager") == manager] if live else []
        if rows:
            field = _FIELD.search(conflict["rest"])
            time = rows[0].text("time")
            proof = Evidence.field(
                f"{manager} last wrote it{f' at {time}' if time else ''}",
                f"{ref} metadata.managedFields",
            )
            facts = {
                "kind": conflict["kind"],
                "object": conflict["object"],
                "manager": manager,
                "fields": f" ({field[0].lstrip('.')})" if field else "",
            }
            yield Problem(failure.ref, facts, evidence=(proof,), field="spec.values")

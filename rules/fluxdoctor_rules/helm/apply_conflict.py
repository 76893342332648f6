"""Another manager owns a field of an object that a chart renders."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref

_SAID = re.compile(
    r"conflict occurred while applying object (?P<object>\S+) .*?Kind=(?P<kind>\w+): .*?"
    r'conflicts? with "(?P<manager>[^"]+)"(?P<rest>.*)',
    re.S,
)
_FIELD = re.compile(r"(?:\.[A-Za-z][\w-]*(?:\[[^\]]*\])?)+")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Find the manager that the API server names in the managedFields of the object."""
    for failure in failures.failed:
        found = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        if failure.ref.kind != "HelmRelease" or not found:
            continue
        namespace, slash, name = found["object"].partition("/")
        ref = Ref(found["kind"], namespace, name) if slash else Ref(found["kind"], "", namespace)
        live = cluster.get(ref)
        wrote = (
            [r for r in live.rows("metadata.managedFields") if r.text("manager") == found["manager"]] if live else []
        )
        if wrote:
            field = _FIELD.search(found["rest"])
            when = wrote[0].text("time")
            proof = Evidence(
                f"{found['manager']} wrote it{f' at {when}' if when else ''}", f"{ref} metadata.managedFields"
            )
            facts = {
                "kind": found["kind"],
                "object": found["object"],
                "manager": found["manager"],
                "fields": f" ({field[0].lstrip('.')})" if field else "",
            }
            yield Problem(failure.ref, facts, evidence=(proof,), field="spec.values")

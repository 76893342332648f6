"""An object whose stored field ownership is of another API version: server-side apply trips over it."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref

_SAID = re.compile(
    r"(?P<kind>[A-Z]\w*)/(?:(?P<namespace>[^/\s]+)/)?(?P<name>\S+) dry-run failed"
    r".*?(?P<path>\.[\w.\[\]\"=-]+): field not declared in schema",
    re.S,
)


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Compare the version in managedFields with that of the object, for the object that the controller names."""
    for failure in failures.failed:
        if failure.ref.kind != "Kustomization":
            continue
        said = (w.message for w in failure.words if "not declared in schema" in w.message)
        found = next((m for text in said if (m := _SAID.search(text))), None)
        live = cluster.get(Ref(found["kind"], found["namespace"] or "", found["name"])) if found else None
        for row in live.rows("metadata.managedFields") if live and found else ():
            old, now = row.text("apiVersion"), live.api_version if live else ""
            if row.text("manager") == "kustomize-controller" and old != now and found and live:
                proof = Evidence(f"managedFields of kustomize-controller: {old}", str(live.ref))
                facts = {"object": str(live.ref), "old": old, "now": now, "path": found["path"]}
                yield Problem(failure.ref, facts, (proof,), shared=str(live.ref))
                break

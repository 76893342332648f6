"""An object whose managedFields are of an old API version: server-side apply fails."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref

_MESSAGE = re.compile(
    r"(?<!\w)(?P<kind>[A-Z]\w*+)/(?:(?P<namespace>[^/\s]+)/)?(?P<name>[^/\s]++) dry-run failed"
    r".{0,2000}?(?P<path>\.[\w.\[\]\"=-]+): field not declared in schema",
    re.S,
)


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Compare the API version in managedFields with that of the object, for the object that the controller names."""
    for failure in failures.failed:
        if failure.ref.kind != "Kustomization":
            continue
        messages = (w.message for w in failure.words if "not declared in schema" in w.message)
        match = next((m for text in messages if (m := _MESSAGE.search(text))), None)
        live = cluster.get(Ref(match["kind"], match["namespace"] or "", match["name"])) if match else None
        for row in live.rows("metadata.managedFields") if live and match else ():
            old, now = row.text("apiVersion"), live.api_version if live else ""
            if row.text("manager") == "kustomize-controller" and old != now and match and live:
                proof = Evidence.field(f"managedFields of kustomize-controller: {old}", str(live.ref))
                facts = {"object": str(live.ref), "old": old, "now": now, "path": match["path"]}
                yield Problem(failure.ref, facts, (proof,), shared=str(live.ref))
                break

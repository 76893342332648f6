"""An update of a CRD drops a version in which objects are still stored."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref

_SAID = re.compile(
    r"(?:CustomResourceDefinition/|\")(?P<crd>[\w-]+(?:\.[\w-]+)+)\b"
    r".*?status\.storedVersions\[\d+\]: Invalid value: \"(?P<version>[^\"]+)\"",
    re.S,
)


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Read status.storedVersions of the CRD that the message names."""
    for failure in failures.failed:
        said = (w.message for w in failure.words if "storedVersions" in w.message)
        found = next((m for text in said if (m := _SAID.search(text))), None)
        crd = cluster.get(Ref("CustomResourceDefinition", "", found["crd"])) if found else None
        stored = crd.strings("status.storedVersions") if crd else ()
        if found and crd and found["version"] in stored:
            proof = Evidence(f"status.storedVersions: {', '.join(stored)}", str(crd.ref))
            yield Problem(failure.ref, {"crd": crd.name, "version": found["version"]}, (proof,), shared=crd.name)

"""An update of a CRD removes a version in which objects are still stored."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Problem, Ref

_MESSAGE = re.compile(
    r"(?:CustomResourceDefinition/|\")(?P<crd>[\w-]++(?:\.[\w-]++)++)\b"
    r".{0,1000}?status\.storedVersions\[\d+\]: Invalid value: \"(?P<version>[^\"]+)\"",
    re.S,
)


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Read status.storedVersions of the CRD that the message names."""
    for failure in failures.failed:
        messages = (w.message for w in failure.words if "storedVersions" in w.message)
        match = next((m for text in messages if (m := _MESSAGE.search(text))), None)
        crd = cluster.get(Ref("CustomResourceDefinition", "", match["crd"])) if match else None
        versions = crd.strings("status.storedVersions") if crd else ()
        if match and crd and match["version"] in versions:
            proof = Evidence.field(f"status.storedVersions: {', '.join(versions)}", str(crd.ref))
            yield Problem(failure.ref, {"crd": crd.name, "version": match["version"]}, (proof,), shared=crd.name)

"""spec.url of an OCIRepository contains a tag."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem

_TAG = re.compile(r"oci://[^/]++/.*[^/:]:(?P<tag>[\w.-]++)\Z")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Check the last part of the URL; a port is before the first slash."""
    for repository in cluster.active("OCIRepository"):
        match = _TAG.match(repository.text("spec.url"))
        if match and "${" not in repository.text("spec.url"):
            proof = Evidence.field(f"spec.url: {repository.text('spec.url')}", str(repository.ref))
            facts = {"tag": match["tag"], "url": repository.text("spec.url")}
            yield Problem(repository.ref, facts, (proof,), field="spec.url")

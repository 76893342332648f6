"""spec.url of an OCIRepository has a tag in it."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, state

_TAG = re.compile(r"oci://[^/]+/.*[^/:]+:(?P<tag>[\w.-]+)\Z")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the last part of the URL; a port stands before the first slash."""
    for repository in cluster.all("OCIRepository"):
        found = _TAG.match(repository.text("spec.url"))
        if found and state(repository) is not State.SUSPENDED and "${" not in repository.text("spec.url"):
            proof = Evidence(f"spec.url: {repository.text('spec.url')}", str(repository.ref))
            facts = {"tag": found["tag"], "url": repository.text("spec.url")}
            yield Problem(repository.ref, facts, (proof,), field="spec.url")

"""spec.url of an OCIRepository is not a valid repository URL."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, state

_UPPER = re.compile(r"oci://[^/]+/.*[A-Z]")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find capital letters in the path, which no registry accepts, and URLs without a path."""
    for repository in cluster.active("OCIRepository"):
        url = repository.text("spec.url")
        if not url.startswith("oci://") or "${" in url or state(repository) is not State.FAILED:
            continue
        path = url.removeprefix("oci://").partition("/")[2]
        why = (
            "it has a registry but no repository"
            if not path
            else "the path must not contain capital letters"
            if _UPPER.match(url)
            else ""
        )
        if why:
            yield Problem(
                repository.ref,
                {"url": url, "why": why},
                (Evidence.field(f"spec.url: {url}", str(repository.ref)),),
                field="spec.url",
            )

"""spec.url of an OCIRepository cannot be one of a repository."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, state

_UPPER = re.compile(r"oci://[^/]+/.*[A-Z]")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find capital letters in the path, which no registry takes, and a URL without a path."""
    for repository in cluster.all("OCIRepository"):
        url = repository.text("spec.url")
        if not url.startswith("oci://") or "${" in url or state(repository) is not State.FAILED:
            continue
        path = url.removeprefix("oci://").partition("/")[2]
        why = (
            "it names a registry and no repository"
            if not path
            else "a path has no capital letters"
            if _UPPER.match(url)
            else ""
        )
        if why:
            yield Problem(
                repository.ref,
                {"url": url, "why": why},
                (Evidence(f"spec.url: {url}", str(repository.ref)),),
                field="spec.url",
            )

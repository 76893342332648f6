"""A key in a source of variables is not a valid variable name."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Problem
from fluxdoctor_rules.shared.variables import sources

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check(failures: Failures, cluster: Cluster) -> Iterator[Problem]:
    """Check the keys of the ConfigMaps and Secrets of a Kustomization whose build fails."""
    for failure in failures.failed:
        if failure.ref.kind != "Kustomization" or "var name is invalid" not in failure.message:
            continue
        for ref, field, _ in sources(failure.resource):
            source = cluster.get(ref)
            for key in (*source.keys("data"), *source.keys("keys")) if source else ():
                if not _NAME.fullmatch(key):
                    yield Problem(failure.ref, {"where": str(ref), "variable": key}, field=field, key=f"{ref} {key}")

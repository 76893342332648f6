"""A rule with a bug."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem


def check(cluster: Cluster) -> Iterator[Problem]:
    """Raise with a text that no output may show."""
    raise RuntimeError(f"hunter2 {cluster}")
    yield

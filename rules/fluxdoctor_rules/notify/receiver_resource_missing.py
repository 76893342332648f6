"""A Receiver names an object that does not exist: its webhook returns an error and triggers nothing."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing

_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "Bucket", "ImageRepository")


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up every object that a Receiver names; an entry with the name * selects objects by labels.

    A Receiver is Ready all the same, so its status does not answer a look-up that is unknown.
    """
    for result in missing.references(cluster, ("Receiver",), Edge.RECEIVES, unknown=missing.always, also=_SOURCES):
        yield result if isinstance(result, Unknown) else result.problem(key=str(result.target))

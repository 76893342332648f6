"""An entry in spec.resources of a Receiver can never be triggered."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Fields, Problem

#: Kinds for which notification-controller 1.9 has a default apiVersion.
_DEFAULTED = (
    "ArtifactGenerator",
    "Bucket",
    "GitRepository",
    "HelmChart",
    "HelmRepository",
    "ImageRepository",
    "OCIRepository",
)


def check(cluster: Cluster) -> Iterator[Problem]:
    """Validate spec.resources as notification-controller does when a webhook arrives."""
    for receiver in cluster.active("Receiver"):
        for row in receiver.rows("spec.resources"):
            what = _flaw(row)
            if what:
                facts = {"entry": row.dotted, "what": what}
                yield Problem(receiver.ref, facts, field=row.dotted, key=row.dotted)


def _flaw(row: Fields) -> str:
    if row.text("name") == "*" and not row.has("matchLabels"):
        return "has the name * but no matchLabels"
    if row.text("kind") not in _DEFAULTED and not row.text("apiVersion"):
        return f"has kind {row.text('kind')} but no apiVersion"
    return ""

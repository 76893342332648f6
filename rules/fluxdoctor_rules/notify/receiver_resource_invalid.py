"""An entry of a Receiver's resources that can never be triggered."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Fields, Problem, State, state

#: Kinds whose version notification-controller knows by itself (1.9).
_KNOWN = (
    "ArtifactGenerator",
    "Bucket",
    "GitRepository",
    "HelmChart",
    "HelmRepository",
    "ImageRepository",
    "OCIRepository",
)


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read spec.resources as notification-controller does when a webhook arrives."""
    for receiver in cluster.all("Receiver"):
        if state(receiver) is State.SUSPENDED or receiver.has("metadata.deletionTimestamp"):
            continue
        for row in receiver.rows("spec.resources"):
            what = _wrong(row)
            if what:
                facts = {"entry": row.dotted, "what": what}
                yield Problem(receiver.ref, facts, field=row.dotted, key=row.dotted)


def _wrong(row: Fields) -> str:
    if row.text("name") == "*" and not row.has("matchLabels"):
        return "has the name * and no matchLabels"
    if row.text("kind") not in _KNOWN and not row.text("apiVersion"):
        return f"has kind {row.text('kind')} and no apiVersion"
    return ""

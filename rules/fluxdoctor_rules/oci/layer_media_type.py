"""The artifact of an OCIRepository has no layer of the media type that spec.layerSelector picks."""

from collections.abc import Iterator

from fluxdoctor import Cluster, OciTags, Problem, State, state

_SHOWN = 4


def check(cluster: Cluster, oci: OciTags | None) -> Iterator[Problem]:
    """Look through the layers of the manifest that was read for a failing repository."""
    for repository in cluster.all("OCIRepository"):
        wanted = repository.text("spec.layerSelector.mediaType")
        manifests = tuple(oci.manifests.get(repository.ref, {}).values()) if oci else ()
        if not wanted or len(manifests) != 1 or state(repository) is not State.FAILED:
            continue
        types = tuple(dict.fromkeys(layer.media_type for layer in manifests[0].layers))
        if types and wanted not in types:
            facts = {"type": wanted, "url": repository.text("spec.url"), "has": f"; it has {', '.join(types[:_SHOWN])}"}
            yield Problem(repository.ref, facts, field="spec.layerSelector.mediaType")

"""The artifact of an OCIRepository has no layer of the media type that spec.layerSelector selects."""

from collections.abc import Iterator

from fluxdoctor import Cluster, OciTags, Problem, State, state

_MOST = 4


def check(cluster: Cluster, oci: OciTags | None) -> Iterator[Problem]:
    """Compare the media type with the layers of the manifest that was fetched for a failing repository."""
    for repository in cluster.active("OCIRepository"):
        selector = repository.text("spec.layerSelector.mediaType")
        manifests = tuple(oci.manifests.get(repository.ref, {}).values()) if oci else ()
        if not selector or len(manifests) != 1 or state(repository) is not State.FAILED:
            continue
        types = tuple(dict.fromkeys(layer.media_type for layer in manifests[0].layers))
        if types and selector not in types:
            facts = {
                "type": selector,
                "url": repository.text("spec.url"),
                "has": f"; it has {', '.join(types[:_MOST])}",
            }
            yield Problem(repository.ref, facts, field="spec.layerSelector.mediaType")

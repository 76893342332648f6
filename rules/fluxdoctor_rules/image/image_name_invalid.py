"""spec.image has a scheme or a tag."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem

_SCHEME = re.compile(r"(?P<text>[a-z][a-z0-9+.-]*://)")
_TAG = re.compile(r"(?<![^:])[^:]+(?P<text>[:@].+)\Z", re.S)


def check(cluster: Cluster) -> Iterator[Problem]:
    """Validate spec.image as image-reflector-controller 1.2 does: a repository without scheme, tag and digest."""
    for repository in cluster.active("ImageRepository"):
        image = repository.text("spec.image")
        # The Kustomization that applies the object substitutes a text with ${.
        if "${" in image:
            continue
        extra = _SCHEME.match(image) or (_TAG.search(image.rpartition("/")[2]) if "/" in image else None)
        if extra:
            proof = Evidence.field(f"spec.image: {image}", str(repository.ref))
            yield Problem(repository.ref, {"extra": extra["text"], "image": image}, (proof,), field="spec.image")

"""spec.image is no name of a repository: it has a scheme or a tag."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, state

_SCHEME = re.compile(r"(?P<lead>[a-z][a-z0-9+.-]*://)")
_TAG = re.compile(r"[^/:]+(?P<lead>[:@][^/]+)\Z")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read spec.image as image-reflector-controller 1.2 does: a repository, without scheme, tag and digest."""
    for repository in cluster.all("ImageRepository"):
        image = repository.text("spec.image")
        # A text with ${ is filled in by the Kustomization that applies it.
        if state(repository) is State.SUSPENDED or "${" in image:
            continue
        found = _SCHEME.match(image) or (_TAG.search(image) if "/" in image else None)
        if found:
            facts = {"extra": found["lead"]}
            proof = Evidence(f"spec.image: {image}", str(repository.ref))
            yield Problem(repository.ref, facts | {"image": image}, (proof,), field="spec.image")

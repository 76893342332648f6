"""The files of flux bootstrap that flux-operator made needless are still listed, or gone and still listed."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Manifests, Problem

_FILES = ("gotk-components.yaml", "gotk-sync.yaml")


def check(cluster: Cluster, failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find an entry of a kustomization file that names a file of flux bootstrap which is not there any more."""
    operated = bool(cluster.all("FluxInstance"))
    for failure in failures.failed:
        if failure.ref.kind != "Kustomization" or not operated:
            continue
        build = manifests.build(failure.resource)
        for entry in build.missing if build else ():
            name = entry.text.rpartition("/")[2]
            if name in _FILES:
                facts = {"where": str(entry.location), "name": name}
                proof = Evidence(f"{entry.text} is listed and not there", str(entry.location))
                yield Problem(failure.ref, facts, (proof,), location=entry.location, key=entry.text)

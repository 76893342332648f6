"""A kustomization file still lists files of flux bootstrap, which flux-operator has replaced."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Manifests, Problem

_FILES = ("gotk-components.yaml", "gotk-sync.yaml")


def check(cluster: Cluster, failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Report entries of kustomization files that name a removed file of flux bootstrap."""
    has_instance = bool(cluster.all("FluxInstance"))
    for failure in failures.failed:
        if failure.ref.kind != "Kustomization" or not has_instance:
            continue
        build = manifests.build(failure.resource)
        for entry in build.missing if build else ():
            name = entry.text.rpartition("/")[2]
            if name in _FILES:
                facts = {"where": str(entry.location), "name": name}
                proof = Evidence.file(f"{entry.text} is listed, but does not exist", str(entry.location))
                yield Problem(failure.ref, facts, (proof,), location=entry.location, key=entry.text)

"""Two HelmReleases write one Helm release."""

import hashlib
from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Resource
from fluxdoctor_rules.helm._releases import active, templated

_LONGEST, _HEAD, _HASH = 53, 40, 12


def check(cluster: Cluster) -> Iterator[Problem]:
    """Group by where the record is kept and what it is called: there Helm tells releases apart."""
    groups: dict[tuple[str, str, str], list[Resource]] = {}
    for release in active(cluster):
        if not templated(_name(release) + _storage(release)):
            groups.setdefault((_cluster(release), _storage(release), _name(release)), []).append(release)
    for (_, storage, name), found in groups.items():
        if len(found) > 1:
            # The one that was named so by hand, or came later, is the one to change.
            *others, late = sorted(
                found, key=lambda r: (r.has("spec.releaseName"), r.text("metadata.creationTimestamp"), r.ref)
            )
            yield Problem(
                late.ref,
                {"name": name, "storage": storage, "others": tuple(r.ref for r in others)},
                evidence=tuple(Evidence(f"writes release {storage}/{name}", f"{r.ref} spec") for r in found),
                field="spec.releaseName" if late.has("spec.releaseName") else "metadata.name",
            )


def _cluster(release: Resource) -> str:
    """Tell target clusters apart by how they are reached."""
    secret, config = (
        release.text("spec.kubeConfig.secretRef.name"),
        release.text("spec.kubeConfig.configMapRef.name"),
    )
    return f"{release.namespace}/{secret}/{config}" if release.has("spec.kubeConfig") else ""


def _storage(release: Resource) -> str:
    return release.text("spec.storageNamespace") or release.namespace


def _name(release: Resource) -> str:
    """helm-controller 1.6: spec.releaseName, or [targetNamespace-]name; beyond 53 characters cut and hashed."""
    target = release.text("spec.targetNamespace")
    name = release.text("spec.releaseName") or (f"{target}-{release.name}" if target else release.name)
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_HEAD]}-{hashlib.sha256(name.encode()).hexdigest()[:_HASH]}"

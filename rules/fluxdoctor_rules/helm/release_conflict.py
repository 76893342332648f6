"""Two HelmReleases write one Helm release."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Resource, release_name, storage_namespace
from fluxdoctor_rules.helm._releases import active, templated


def check(cluster: Cluster) -> Iterator[Problem]:
    """Group by where the record is kept and what it is called: there Helm tells releases apart."""
    groups: dict[tuple[str, str, str], list[Resource]] = {}
    for release in active(cluster):
        if not templated(release_name(release) + storage_namespace(release)):
            groups.setdefault((_cluster(release), storage_namespace(release), release_name(release)), []).append(
                release
            )
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

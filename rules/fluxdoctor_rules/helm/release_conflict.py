"""Two HelmReleases manage one Helm release."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Resource, release_name, storage_namespace
from fluxdoctor_rules.helm._releases import templated


def check(cluster: Cluster) -> Iterator[Problem]:
    """Report HelmReleases with the same release name and storage namespace, by which Helm identifies a release."""
    groups: dict[tuple[str, str, str], list[Resource]] = {}
    for release in cluster.active("HelmRelease"):
        identity = (_target_cluster(release), storage_namespace(release), release_name(release))
        if not templated("".join(identity[1:])):
            groups.setdefault(identity, []).append(release)
    for (_, storage, name), releases in groups.items():
        if len(releases) > 1:
            # The HelmRelease that has spec.releaseName, or is the newest, is the one to change.
            *others, newest = sorted(
                releases, key=lambda r: (r.has("spec.releaseName"), r.text("metadata.creationTimestamp"), r.ref)
            )
            yield Problem(
                newest.ref,
                {"name": name, "storage": storage, "others": tuple(r.ref for r in others)},
                evidence=tuple(Evidence.field(f"manages release {storage}/{name}", f"{r.ref} spec") for r in releases),
                field="spec.releaseName" if newest.has("spec.releaseName") else "metadata.name",
            )


def _target_cluster(release: Resource) -> str:
    """Return a key of the cluster that a release is installed in: "" for this one, else its kubeconfig."""
    secret, config = (
        release.text("spec.kubeConfig.secretRef.name"),
        release.text("spec.kubeConfig.configMapRef.name"),
    )
    return f"{release.namespace}/{secret}/{config}" if release.has("spec.kubeConfig") else ""

"""What upgrades of Flux 2.x and Kubernetes 1.x break, each fact with its source."""

from dataclasses import dataclass

from fluxdoctor import Cluster, Versions
from fluxdoctor_rules.shared import controllers

Minor = tuple[int, int]
#: The newest minor releases for which this table is complete.
NEWEST_FLUX: Minor = (2, 9)
NEWEST_KUBERNETES: Minor = (1, 36)


@dataclass(frozen=True, slots=True)
class Removed:
    """An API version, the first minor release that does not serve it, and its replacement."""

    since: Minor
    group: str
    version: str
    now: str
    kinds: tuple[str, ...] = ()
    """Empty: every kind of the group."""

    @property
    def api_version(self) -> str:
        """Return the value of apiVersion in a manifest."""
        return f"{self.group}/{self.version}"


_SOURCE, _KUSTOMIZE, _HELM = "source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
_NOTIFICATION, _IMAGE = "notification.toolkit.fluxcd.io", "image.toolkit.fluxcd.io"

#: github.com/fluxcd/flux2/discussions/5572, and the CHANGELOG of each controller for the minor release.
FLUX: tuple[Removed, ...] = (
    Removed((2, 7), _SOURCE, "v1beta1", "v1"),
    Removed((2, 7), _KUSTOMIZE, "v1beta1", "v1"),
    Removed((2, 7), _HELM, "v2beta1", "v2"),
    Removed((2, 7), _NOTIFICATION, "v1beta1", "v1 (Receiver) or v1beta3"),
    Removed((2, 7), _IMAGE, "v1beta1", "v1"),
    Removed((2, 8), _SOURCE, "v1beta2", "v1"),
    Removed((2, 8), _KUSTOMIZE, "v1beta2", "v1"),
    Removed((2, 8), _HELM, "v2beta2", "v2"),
    Removed((2, 9), _NOTIFICATION, "v1beta2", "v1 (Receiver) or v1beta3"),
    Removed((2, 9), _IMAGE, "v1beta2", "v1"),
)

#: kubernetes.io/docs/reference/using-api/deprecation-guide
KUBERNETES: tuple[Removed, ...] = (
    Removed((1, 16), "extensions", "v1beta1", "apps/v1", ("DaemonSet", "Deployment", "ReplicaSet")),
    Removed((1, 16), "extensions", "v1beta1", "networking.k8s.io/v1", ("NetworkPolicy",)),
    Removed((1, 16), "apps", "v1beta1", "apps/v1"),
    Removed((1, 16), "apps", "v1beta2", "apps/v1"),
    Removed((1, 22), "extensions", "v1beta1", "networking.k8s.io/v1", ("Ingress",)),
    Removed((1, 22), "networking.k8s.io", "v1beta1", "networking.k8s.io/v1", ("Ingress", "IngressClass")),
    Removed((1, 22), "admissionregistration.k8s.io", "v1beta1", "admissionregistration.k8s.io/v1",
            ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")),
    Removed((1, 22), "apiextensions.k8s.io", "v1beta1", "apiextensions.k8s.io/v1"),
    Removed((1, 22), "apiregistration.k8s.io", "v1beta1", "apiregistration.k8s.io/v1"),
    Removed((1, 22), "certificates.k8s.io", "v1beta1", "certificates.k8s.io/v1", ("CertificateSigningRequest",)),
    Removed((1, 22), "coordination.k8s.io", "v1beta1", "coordination.k8s.io/v1", ("Lease",)),
    Removed((1, 22), "rbac.authorization.k8s.io", "v1beta1", "rbac.authorization.k8s.io/v1"),
    Removed((1, 22), "scheduling.k8s.io", "v1beta1", "scheduling.k8s.io/v1"),
    Removed((1, 22), "storage.k8s.io", "v1beta1", "storage.k8s.io/v1",
            ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment")),
    Removed((1, 25), "batch", "v1beta1", "batch/v1", ("CronJob",)),
    Removed((1, 25), "discovery.k8s.io", "v1beta1", "discovery.k8s.io/v1"),
    Removed((1, 25), "events.k8s.io", "v1beta1", "events.k8s.io/v1"),
    Removed((1, 25), "autoscaling", "v2beta1", "autoscaling/v2"),
    Removed((1, 25), "policy", "v1beta1", "policy/v1", ("PodDisruptionBudget",)),
    Removed((1, 25), "policy", "v1beta1", "none (use Pod Security Admission)", ("PodSecurityPolicy",)),
    Removed((1, 25), "node.k8s.io", "v1beta1", "node.k8s.io/v1"),
    Removed((1, 26), "autoscaling", "v2beta2", "autoscaling/v2"),
    Removed((1, 26), "flowcontrol.apiserver.k8s.io", "v1beta1", "flowcontrol.apiserver.k8s.io/v1"),
    Removed((1, 27), "storage.k8s.io", "v1beta1", "storage.k8s.io/v1", ("CSIStorageCapacity",)),
    Removed((1, 29), "flowcontrol.apiserver.k8s.io", "v1beta2", "flowcontrol.apiserver.k8s.io/v1"),
    Removed((1, 32), "flowcontrol.apiserver.k8s.io", "v1beta3", "flowcontrol.apiserver.k8s.io/v1"),
)  # fmt: skip

#: The oldest Kubernetes that each Flux supports: kubernetesConstraints of cmd/flux/check.go at the tags v2.0.0 to v2.9.0.
OLDEST_KUBERNETES: dict[Minor, Minor] = {
    (2, 0): (1, 24), (2, 1): (1, 25), (2, 2): (1, 26), (2, 3): (1, 28), (2, 4): (1, 28),
    (2, 5): (1, 30), (2, 6): (1, 31), (2, 7): (1, 32), (2, 8): (1, 33), (2, 9): (1, 33),
}  # fmt: skip

#: The first minor release with a new behavior; source: CHANGELOG of the controller.
TEMPLATE_FIELDS_REMOVED: Minor = (2, 7)  # image-automation-controller 1.0
HELM_4: Minor = (2, 8)  # helm-controller 1.5: kstatus waits, server-side apply of new releases
STRICT_SUBSTITUTION: Minor = (2, 9)  # kustomize-controller 1.9: StrictPostBuildSubstitutions is on
COMBINED_POST_RENDERING: Minor = (2, 9)  # helm-controller 1.6: hooks go through post-renderers too
GCR_KEYS: Minor = (2, 9)  # notification-controller 1.9: email and audience of a gcr Receiver


def removed(rows: tuple[Removed, ...], api_version: str, kind: str, target: Minor) -> Removed | None:
    """Return the row that removes an API version at or before a target version; None if it is served."""
    return next(
        (
            row
            for row in rows
            if row.since <= target and row.api_version == api_version and (not row.kinds or kind in row.kinds)
        ),
        None,
    )


def flux_now(cluster: Cluster, versions: Versions) -> Minor | None:
    """Return the minor release of Flux in the cluster; None if it is not known."""
    if version := versions.of("flux"):
        return version
    minors = [c.flux for name in controllers.RELEASES for c in controllers.all_of(cluster, name) if c.flux is not None]
    return (2, min(minors)) if minors else None


def keeps_helm_3(cluster: Cluster) -> bool:
    """Return whether helm-controller keeps the defaults of Helm 3 (feature gate UseHelm3Defaults)."""
    return any(c.gate("UseHelm3Defaults") for c in controllers.all_of(cluster, "helm-controller"))


def text(minor: Minor) -> str:
    """Return a version as text, such as 2.9."""
    return f"{minor[0]}.{minor[1]}"

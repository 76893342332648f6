"""Flux's kinds, conditions and states, and the fields by which its objects refer to others.

Facts are those of Flux 2.9 (source-controller 1.9, kustomize-controller 1.9, helm-controller 1.6,
notification-controller 1.9, image controllers 1.2, source-watcher 2.2, flux-operator 0.58) unless a line says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from fluxdoctor.model import helm
from fluxdoctor.model.resource import Condition, Ref, Resource, string
from fluxdoctor.model.times import duration, moment

SOURCE, KUSTOMIZE, HELM = "source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
NOTIFICATION, IMAGE = "notification.toolkit.fluxcd.io", "image.toolkit.fluxcd.io"
EXTENSIONS, OPERATOR = "source.extensions.fluxcd.io", "fluxcd.controlplane.io"


#: The algorithms of the digests in revisions, by their length in hexadecimal digits.
_DIGESTS = {40: "sha1", 64: "sha256"}
_HEX = re.compile("[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Kind:
    """A Flux kind: its API group, resource name, controller, its name in the flux CLI, and whether it has a status.

    ``cli`` is what follows ``flux reconcile``, ``flux suspend`` and ``flux resume`` (flux 2.9); "" if flux has no such
    command. Kinds without a status can be suspended, but not reconciled.
    """

    name: str
    group: str
    plural: str
    controller: str
    cli: str = ""
    status: bool = True


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("GitRepository", SOURCE, "gitrepositories", "source-controller", "source git"),
        Kind("OCIRepository", SOURCE, "ocirepositories", "source-controller", "source oci"),
        Kind("HelmRepository", SOURCE, "helmrepositories", "source-controller", "source helm"),
        Kind("HelmChart", SOURCE, "helmcharts", "source-controller", "source chart"),
        Kind("Bucket", SOURCE, "buckets", "source-controller", "source bucket"),
        Kind("ExternalArtifact", SOURCE, "externalartifacts", "source-watcher"),
        Kind("ArtifactGenerator", EXTENSIONS, "artifactgenerators", "source-watcher"),
        Kind("Kustomization", KUSTOMIZE, "kustomizations", "kustomize-controller", "kustomization"),
        Kind("HelmRelease", HELM, "helmreleases", "helm-controller", "helmrelease"),
        # Alert and Provider are static objects since v1beta3: no status, no conditions.
        Kind("Alert", NOTIFICATION, "alerts", "notification-controller", "alert", status=False),
        Kind("Provider", NOTIFICATION, "providers", "notification-controller", "alert-provider", status=False),
        Kind("Receiver", NOTIFICATION, "receivers", "notification-controller", "receiver"),
        Kind("ImageRepository", IMAGE, "imagerepositories", "image-reflector-controller", "image repository"),
        Kind("ImagePolicy", IMAGE, "imagepolicies", "image-reflector-controller", "image policy"),
        Kind("ImageUpdateAutomation", IMAGE, "imageupdateautomations", "image-automation-controller", "image update"),
        Kind("FluxInstance", OPERATOR, "fluxinstances", "flux-operator"),
        Kind("ResourceSet", OPERATOR, "resourcesets", "flux-operator"),
        Kind("ResourceSetInputProvider", OPERATOR, "resourcesetinputproviders", "flux-operator"),
    )
}

SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket", "ExternalArtifact")
CONTROLLERS = tuple(sorted({kind.controller for kind in KINDS.values()}))


def controller_of(kind: str) -> str:
    """Return the controller that reconciles a Flux kind, for example ``source-controller``; "" for other kinds."""
    return KINDS[kind].controller if kind in KINDS else ""


#: Built-in kinds, whose Refs have the bare name; a kind of another group with one of these names is written Kind.group.
BUILT_IN: dict[str, str] = {
    **dict.fromkeys(
        ("ConfigMap", "Event", "Namespace", "Node", "PersistentVolume", "PersistentVolumeClaim", "Pod", "Secret",
         "Service", "ServiceAccount", "ResourceQuota", "LimitRange", "Endpoints"), ""),
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"), "apps"),
    **dict.fromkeys(("Job", "CronJob"), "batch"),
    **dict.fromkeys(("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"), "rbac.authorization.k8s.io"),
    **dict.fromkeys(("Ingress", "NetworkPolicy"), "networking.k8s.io"),
    "CustomResourceDefinition": "apiextensions.k8s.io",
    "HorizontalPodAutoscaler": "autoscaling",
    "PodDisruptionBudget": "policy",
}  # fmt: skip

CLUSTER_SCOPED = frozenset(
    ("Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
     "ClusterIssuer", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
     "StorageClass", "PriorityClass", "IngressClass", "APIService")
)  # fmt: skip


@lru_cache(4096)
def kind_name(kind: str, group: str) -> str:
    """Return the kind as a Ref has it: bare, or ``Kind.group`` if a Flux or built-in kind of another group has that name."""
    own_group = KINDS[kind].group if kind in KINDS else BUILT_IN.get(kind, group)
    return kind if own_group == group else f"{kind}.{group}"


def inventory_ref(identifier: str) -> Ref | None:
    """Parse an inventory id, ``namespace_name_group_kind``; None if it is malformed.

    A colon in a name is stored as two underscores (cli-utils).
    """
    parts = identifier.rsplit("_", 2)
    namespace, _, name = parts[0].partition("_")
    if len(parts) != 3 or not parts[2] or not name.strip("_"):  # noqa: PLR2004 - the head, group and kind
        return None
    return Ref(kind_name(parts[2], parts[1]), namespace, name.replace("__", ":"))


def conditions(resource: Resource) -> tuple[Condition, ...]:
    """Return an object's conditions, in the order of the status."""
    return resource.conditions


def condition(resource: Resource, type_: str) -> Condition | None:
    """Return one condition, or None."""
    for condition_ in resource.conditions:
        if condition_.type == type_:
            return condition_
    return None


class State(StrEnum):
    """The state of a Flux object according to its status."""

    READY = "ready"
    FAILED = "failed"
    PROGRESSING = "progressing"
    SUSPENDED = "suspended"
    STATIC = "static"
    """No controller writes a status for it (Alert, Provider, HelmRepository of type oci)."""
    NEW = "new"
    """No status yet."""


def state(resource: Resource) -> State:
    """Return the state of a Flux object by its conditions. The status of a suspended object is outdated, so it is not used."""
    return resource.memo(_state)


def _state(resource: Resource) -> State:
    if resource.flag("spec.suspend"):
        return State.SUSPENDED
    kind = KINDS.get(resource.kind)
    if kind is None or not kind.status or is_oci_helm_repository(resource):
        return State.STATIC
    ready = condition(resource, "Ready")
    stalled = condition(resource, "Stalled")
    if (ready and ready.status == "False") or (stalled and stalled.status == "True"):
        return State.FAILED
    if ready is None:
        return State.NEW
    return State.READY if ready.status == "True" else State.PROGRESSING


#: Kinds that are suspended by an annotation, ``disabled`` (flux-operator 0.58, source-watcher 2.2).
_SUSPENDED_BY = {OPERATOR: f"{OPERATOR}/reconcile", EXTENSIONS: f"{EXTENSIONS}/reconcile"}
#: How long a controller may take to clean up beyond the object's own timeout.
_GRACE = timedelta(minutes=5)


def is_suspended(resource: Resource) -> bool:
    """Tell whether reconciliation of an object is suspended, by spec.suspend or by an annotation."""
    if resource.flag("spec.suspend"):
        return True
    kind = KINDS.get(resource.kind)
    annotation = _SUSPENDED_BY.get(kind.group) if kind else None
    return annotation is not None and resource.annotation(annotation) == "disabled"


def is_terminating(resource: Resource) -> bool:
    """Tell whether an object is being deleted."""
    return resource.has("metadata.deletionTimestamp")


def is_in_deletion_grace(resource: Resource, now: datetime) -> bool:
    """Tell whether an object is being deleted and its controller may still clean up, for its timeout and 5 minutes."""
    since = moment(resource.text("metadata.deletionTimestamp"))
    return since is not None and now - since < timeout(resource) + _GRACE


def is_oci_helm_repository(resource: Resource) -> bool:
    """Tell whether it is a HelmRepository of type oci: source-controller stores no index and writes no status for it."""
    return resource.kind == "HelmRepository" and resource.text("spec.type") == "oci"


def interval(resource: Resource) -> timedelta:
    """Return spec.interval; ten minutes if there is none."""
    return duration(resource.text("spec.interval"), timedelta(minutes=10))


def timeout(resource: Resource) -> timedelta:
    """Return spec.timeout, or the controller's default: 5m for HelmRelease, the interval for Kustomization, else 60s."""
    default = {"HelmRelease": timedelta(minutes=5), "Kustomization": interval(resource)}
    return duration(resource.text("spec.timeout"), default.get(resource.kind, timedelta(seconds=60)))


def revision(resource: Resource) -> str:
    """Return the current revision of an object: of a source's artifact, or the one applied last; "" if there is none."""
    applied = resource.text("status.lastAppliedRevision") or resource.text("status.artifact.revision")
    return modern(applied) if applied else resource.text("status.history.0.chartVersion")


def modern(revision_: str) -> str:
    """Return a revision in the format of Flux 2.0: main@sha1:605b... for main/605b... (source-controller 1.0, RFC 0005)."""
    if ":" in revision_:
        return revision_
    name, slash, digest = revision_.rpartition("/")
    algorithm = _DIGESTS.get(len(digest))
    if algorithm is None or not _HEX.fullmatch(digest):
        return revision_
    return f"{name}@{algorithm}:{digest}" if slash else f"{algorithm}:{digest}"


def short(revision_: str) -> str:
    """Return a revision with its digest shortened as the flux CLI does: main@sha1:605b2e81."""
    head, colon, digest = revision_.rpartition(":")
    return f"{head}{colon}{digest[:8]}" if colon else revision_


class Edge(StrEnum):
    """The kind of a reference from one object to another."""

    __hash__ = str.__hash__  # Enum's own is slower (Python code), and a fleet's edges are hashed 100,000 times

    SOURCE = "sourceRef"
    CHART_REF = "chartRef"
    HELM_CHART = "helmChart"
    DEPENDS_ON = "dependsOn"
    VALUES_FROM = "valuesFrom"
    SUBSTITUTE_FROM = "substituteFrom"
    SECRET = "secretRef"
    CERT_SECRET = "certSecretRef"
    PROXY_SECRET = "proxySecretRef"
    VERIFY = "verify"
    DECRYPTION = "decryption"
    SERVICE_ACCOUNT = "serviceAccount"
    KUBE_CONFIG = "kubeConfig"
    INCLUDE = "include"
    APPLIES = "applies"
    HEALTH = "healthCheck"
    NAMESPACE = "namespace"
    TARGET_NAMESPACE = "targetNamespace"
    CRD = "crd"
    CONTROLLER = "controller"
    IMAGE_REPOSITORY = "imageRepositoryRef"
    PROVIDER = "providerRef"
    EVENT_SOURCE = "eventSource"
    RECEIVES = "receives"
    GENERATOR = "artifactGenerator"
    INPUTS = "inputsFrom"
    SYNC = "sync"


class Reference(NamedTuple):
    """A reference of an object: its kind, the field that contains it, its target, and whether the target may be absent."""

    edge: Edge
    field: str
    target: Ref
    optional: bool = False
    crosses: bool = False
    """The field may name another namespace."""


@dataclass(frozen=True)
class _Spec:
    """How a reference is written: its field, and the target's kind ("" if the reference names it, "=" for the same kind)."""

    edge: Edge
    path: str
    kind: str = ""
    crosses: bool = False
    """The reference may name another namespace."""
    many: bool = False
    """The field is a list of references."""

    @cached_property
    def spec_field(self) -> str:
        """The field of the spec that contains the reference."""
        return self.path.split(".")[1]


_S = _Spec
_DEPENDS = _S(Edge.DEPENDS_ON, "spec.dependsOn", "=", crosses=True, many=True)
_KUBE_CONFIG = (
    _S(Edge.KUBE_CONFIG, "spec.kubeConfig.secretRef", "Secret"),
    _S(Edge.KUBE_CONFIG, "spec.kubeConfig.configMapRef", "ConfigMap"),
)
_AUTH = (
    _S(Edge.SECRET, "spec.secretRef", "Secret"),
    _S(Edge.CERT_SECRET, "spec.certSecretRef", "Secret"),
    _S(Edge.PROXY_SECRET, "spec.proxySecretRef", "Secret"),
    _S(Edge.VERIFY, "spec.verify.secretRef", "Secret"),
)
_REFERENCES: dict[str, tuple[_Spec, ...]] = {
    "GitRepository": (*_AUTH, _S(Edge.INCLUDE, "spec.include", "GitRepository", many=True)),
    "OCIRepository": (*_AUTH, _S(Edge.VERIFY, "spec.verify.trustedRootSecretRef", "Secret")),
    "HelmRepository": _AUTH,
    "Bucket": (
        *_AUTH,
        _S(Edge.SECRET, "spec.sts.secretRef", "Secret"),
        _S(Edge.CERT_SECRET, "spec.sts.certSecretRef", "Secret"),
    ),
    "HelmChart": (_S(Edge.SOURCE, "spec.sourceRef"), _S(Edge.VERIFY, "spec.verify.secretRef", "Secret")),
    "ExternalArtifact": (_S(Edge.GENERATOR, "spec.sourceRef", crosses=True),),
    "ArtifactGenerator": (_S(Edge.SOURCE, "spec.sources", crosses=True, many=True),),
    "Kustomization": (
        _S(Edge.SOURCE, "spec.sourceRef", crosses=True),
        _DEPENDS,
        _S(Edge.SUBSTITUTE_FROM, "spec.postBuild.substituteFrom", many=True),
        _S(Edge.DECRYPTION, "spec.decryption.secretRef", "Secret"),
        *_KUBE_CONFIG,
    ),
    "HelmRelease": (
        _S(Edge.SOURCE, "spec.chart.spec.sourceRef", crosses=True),
        _S(Edge.CHART_REF, "spec.chartRef", crosses=True),
        _DEPENDS,
        _S(Edge.VALUES_FROM, "spec.valuesFrom", many=True),
        _S(Edge.VERIFY, "spec.chart.spec.verify.secretRef", "Secret"),
        *_KUBE_CONFIG,
    ),
    "ImageRepository": _AUTH,
    "ImagePolicy": (_S(Edge.IMAGE_REPOSITORY, "spec.imageRepositoryRef", "ImageRepository", crosses=True),),
    "ImageUpdateAutomation": (
        _S(Edge.SOURCE, "spec.sourceRef", crosses=True),
        _S(Edge.SECRET, "spec.git.commit.signingKey.secretRef", "Secret"),
    ),
    "Alert": (
        _S(Edge.PROVIDER, "spec.providerRef", "Provider"),
        _S(Edge.EVENT_SOURCE, "spec.eventSources", crosses=True, many=True),
    ),
    "Provider": (
        _S(Edge.SECRET, "spec.secretRef", "Secret"),
        _S(Edge.CERT_SECRET, "spec.certSecretRef", "Secret"),
        _S(Edge.PROXY_SECRET, "spec.proxySecretRef", "Secret"),
    ),
    "Receiver": (
        _S(Edge.SECRET, "spec.secretRef", "Secret"),
        _S(Edge.RECEIVES, "spec.resources", crosses=True, many=True),
    ),
    "ResourceSet": (
        _S(Edge.DEPENDS_ON, "spec.dependsOn", crosses=True, many=True),
        _S(Edge.INPUTS, "spec.inputsFrom", many=True),
    ),
    "ResourceSetInputProvider": _AUTH,
}
#: Names that refer to no single object.
_NO_NAMES = ("", "*")


def _target(resource: Resource, row: dict[str, Any], spec: _Spec) -> Ref | None:
    kind = resource.kind if spec.kind == "=" else spec.kind or string(row, "kind")
    name = string(row, "name") or string(row.get("repository"), "name")
    if not kind or name in _NO_NAMES:
        return None
    namespace = (string(row, "namespace") if spec.crosses else "") or resource.namespace
    group, slash, _ = string(row, "apiVersion").partition("/")
    is_foreign = slash and group and kind in KINDS and KINDS[kind].group != group
    return Ref(kind_name(kind, group) if is_foreign else kind, "" if kind in CLUSTER_SCOPED else namespace, name)


def _rows(resource: Resource, spec: _Spec) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (path, mapping) for each reference that a field contains."""
    value = resource.get(spec.path)
    if isinstance(value, dict) and not spec.many:
        yield spec.path, value
    elif isinstance(value, list | tuple) and spec.many:
        for i, row in enumerate(value):
            if isinstance(row, dict):
                yield f"{spec.path}[{i}]", row


def _name_references(resource: Resource) -> Iterator[Reference]:
    """Yield the references that are a plain name in a string field, and those that a controller derives from other fields."""
    namespace = resource.namespace
    for path in ("spec.serviceAccountName", "spec.decryption.serviceAccountName"):
        if account := resource.text(path):
            yield Reference(Edge.SERVICE_ACCOUNT, path, Ref("ServiceAccount", namespace, account))
    for path in ("spec.targetNamespace", "spec.storageNamespace"):
        if target := resource.text(path):
            yield Reference(Edge.TARGET_NAMESPACE, path, Ref("Namespace", "", target), _is_created(resource, target))
    if resource.kind == "FluxInstance" and resource.has("spec.sync"):
        if secret := resource.text("spec.sync.pullSecret"):
            yield Reference(Edge.SECRET, "spec.sync.pullSecret", Ref("Secret", namespace, secret))
        sync = resource.text("spec.sync.name") or namespace
        yield Reference(Edge.SYNC, "spec.sync", Ref("Kustomization", namespace, sync))
    if chart := helm_chart(resource):
        yield Reference(Edge.HELM_CHART, "spec.chart", chart)


def _is_created(release: Resource, namespace: str) -> bool:
    """Tell whether install.createNamespace creates a namespace: that of the release, whichever field names it (1.6)."""
    is_target = namespace == (release.text("spec.targetNamespace") or release.namespace)
    return is_target and release.kind == "HelmRelease" and release.flag("spec.install.createNamespace")


def helm_chart(release: Resource) -> Ref | None:
    """Return the HelmChart that helm-controller generates: ``<namespace>-<name>`` in the source's namespace (1.6)."""
    if release.kind != "HelmRelease" or not release.has("spec.chart.spec"):
        return None
    namespace = release.text("spec.chart.spec.sourceRef.namespace") or release.namespace
    return Ref("HelmChart", namespace, f"{release.namespace}-{release.name}")


def references(resource: Resource) -> Iterator[Reference]:
    """Yield every reference in a Flux object's spec, in a fixed order."""
    yield from resource.memo(_reference_list)


def _reference_list(resource: Resource) -> tuple[Reference, ...]:
    return tuple(_all_references(resource))


def _all_references(resource: Resource) -> Iterator[Reference]:
    body = resource.get("spec")
    if not isinstance(body, dict):
        return
    for spec in _REFERENCES.get(resource.kind, ()):
        if spec.spec_field not in body:  # most are absent
            continue
        for path, row in _rows(resource, spec):
            if target := _target(resource, row, spec):
                yield Reference(spec.edge, path, target, row.get("optional") is True, spec.crosses)
    yield from _name_references(resource)


#: The kinds that apply objects, and the labels that their controllers set on those.
_OWNERS = tuple(
    (kind, f"{group}/name", f"{group}/namespace")
    for kind, group in (
        ("Kustomization", KUSTOMIZE),
        ("HelmRelease", HELM),
        ("ResourceSet", "resourceset." + OPERATOR),
    )
)


def owner(resource: Resource) -> Ref | None:
    """Return the Flux object that applied this one, by the labels that the controllers set."""
    return resource.memo(_owner)


def _owner(resource: Resource) -> Ref | None:
    labels = resource.get("metadata.labels")
    for kind, name_label, namespace_label in _OWNERS if isinstance(labels, dict) else ():
        if name_label not in labels:
            continue
        name, namespace = string(labels, name_label), string(labels, namespace_label)
        if name and namespace and (parent := Ref(kind, namespace, name)) != resource.ref:
            return parent
    return None


def host(url: str) -> str:
    """Return the host, and the port if there is one, of a URL or an scp-like git address; "" for any other text."""
    rest = url.partition("://")[2] if "://" in url else url.partition(":")[0] if "@" in url else ""
    return rest.partition("/")[0].rpartition("@")[2]


#: The names of Docker Hub: what users write, what go-containerregistry queries, and where that redirects.
DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
#: The value of the fact ``secret`` if an object names no Secret.
NO_SECRET = "(none)"


def registry(image: str) -> str:
    """Return the registry of an image's name, as container tools read it: Docker Hub if the name contains none."""
    head, slash, _ = image.partition("/")
    return head if slash and ("." in head or ":" in head or head == "localhost") else DOCKER_HUB[0]


def about(resource: Resource) -> dict[str, str | Ref]:
    """Return the facts that every message template of a Flux object can use: subject, source, path, url, host, secret, chart.

    For an ImageRepository also image; for a HelmRelease also release and storage_namespace, as ``helm`` takes them.
    """
    sources = (r.target for r in references(resource) if r.edge in (Edge.SOURCE, Edge.CHART_REF))
    image = resource.text("spec.image")
    url = resource.text("spec.url") or resource.text("spec.endpoint") or image
    return {
        "subject": resource.ref,
        "source": next(sources, "its source"),
        "path": resource.text("spec.path", "./"),
        "url": url,
        "host": host(url) or (registry(image) if image else url),
        "secret": resource.text("spec.secretRef.name", NO_SECRET),
        "chart": resource.text("spec.chart.spec.chart") or resource.text("spec.chart"),
        **({"image": image} if image else {}),
        **(_release(resource) if resource.kind == "HelmRelease" else {}),
    }


def _release(resource: Resource) -> dict[str, str]:
    return {"release": helm.release_name(resource), "storage_namespace": helm.storage_namespace(resource)}

"""Kubernetes objects of a generated fleet, as the API server would give them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from fluxdoctor.model.flux import KINDS
from fluxdoctor.model.resource import Ref
from tests.incidents.fleet import FLUX, NAMESPACES, Layer, Release, Source

if TYPE_CHECKING:
    from tests.incidents.status import Words

TAKEN, SINCE, BEFORE = "2026-01-01T12:00:00Z", "2026-01-01T11:00:00Z", "2026-01-01T09:00:00Z"
REVISION = "main@sha1:0123456789abcdef0123456789abcdef01234567"
_VERSIONS = {"HelmRelease": "v2", "OCIRepository": "v1", "ArtifactGenerator": "v1beta1"}
Body = dict[str, Any]


def _object(ref: Ref, api: str, labels: dict[str, str] | None = None, **parts: Any) -> Body:
    metadata: Body = {"name": ref.name, "creationTimestamp": BEFORE, "generation": 1}
    if ref.namespace:
        metadata["namespace"] = ref.namespace
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": api, "kind": ref.kind, "metadata": metadata, **parts}


def _owned(parent: Ref | None) -> dict[str, str]:
    if parent is None:
        return {}
    group = KINDS[parent.kind].group
    return {f"{group}/name": parent.name, f"{group}/namespace": parent.namespace}


def _condition(type_: str, status: str, reason: str, message: str, since: str) -> Body:
    return {
        "type": type_, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": since, "observedGeneration": 1,
    }  # fmt: skip


def flux(ref: Ref, spec: Body, parent: Ref | None, said: Words | None, status: Body) -> Body:
    """A Flux object, Ready unless its controller says why not."""
    api = f"{KINDS[ref.kind].group}/{_VERSIONS.get(ref.kind, 'v1')}"
    if said:
        ready = _condition("Ready", "False", said.reason, said.message, SINCE)
    else:
        ready = _condition("Ready", "True", "Succeeded", "done", BEFORE)
    labels = _owned(parent)
    return _object(ref, api, labels, spec=spec, status={"conditions": [ready], "observedGeneration": 1, **status})


def namespaces() -> Iterator[Body]:
    for name in (FLUX, *NAMESPACES):
        yield _object(Ref("Namespace", "", name), "v1", status={"phase": "Active"})


def controllers() -> Iterator[Body]:
    for name in ("source-controller", "kustomize-controller", "helm-controller", "source-watcher"):
        status = {
            "availableReplicas": 1,
            "readyReplicas": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "observedGeneration": 1,
        }
        labels = {"app.kubernetes.io/component": name, "app.kubernetes.io/part-of": "flux"}
        yield _object(Ref("Deployment", FLUX, name), "apps/v1", labels, spec={"replicas": 1}, status=status)


def generator_spec(source: Source) -> Body:
    assert source.reads
    return {
        "sources": [{"alias": "fleet", "kind": source.reads.kind, "name": source.reads.name}],
        "artifacts": [{"name": source.ref.name, "copy": [{"from": "@fleet/apps/**", "to": "@artifact/"}]}],
    }


def secret(ref: Ref) -> Body:
    return _object(ref, "v1", type="Opaque", data={"username": "Ym90", "password": "bm9uZQ=="})


def keys(ref: Ref) -> Body:
    return _object(ref, "v1", type="Opaque", data={"identity.agekey": "bm9uZQ=="})


def config(ref: Ref) -> Body:
    return _object(ref, "v1", data={"values.yaml": "replicas: 1\n"})


def source_spec(source: Source) -> Body:
    if source.ref.kind == "Bucket":
        return {"interval": "5m", "endpoint": source.host, "bucketName": source.ref.name}
    if source.reads:
        made_by = {"apiVersion": "source.extensions.fluxcd.io/v1beta1", "kind": "ArtifactGenerator"}
        return {"sourceRef": {**made_by, "name": source.generator.name, "namespace": source.generator.namespace}}
    spec: Body = {"interval": "5m", "url": source.url}
    if source.ref.kind == "GitRepository":
        spec["ref"] = {"branch": "main"}
    if source.ref.kind == "OCIRepository":
        spec["ref"] = {"tag": "1.2.3"}
    if source.secret:
        spec["secretRef"] = {"name": source.secret}
    return spec


def revision(ref: Ref) -> str:
    """What a source's artifact, or a consumer's status, says."""
    return {"HelmRepository": "sha256:aa11bb22", "OCIRepository": "1.2.3@sha256:cc33dd44", "HelmChart": "1.2.3"}.get(
        ref.kind, REVISION
    )


def artifact(ref: Ref, empty: Collection[Ref]) -> Body:
    return (
        {}
        if ref in empty
        else {"artifact": {"revision": revision(ref), "digest": "sha256:00", "lastUpdateTime": BEFORE}}
    )


def _names(refs: tuple[Ref, ...], own: str) -> list[Body]:
    return [{"name": r.name} if r.namespace == own else {"name": r.name, "namespace": r.namespace} for r in refs]


def layer_spec(layer: Layer, depends: tuple[Ref, ...]) -> Body:
    spec: Body = {
        "interval": "10m", "timeout": "1m", "prune": True, "path": f"./{layer.ref.name}", "wait": layer.wait,
        "sourceRef": {"kind": layer.source.kind, "name": layer.source.name},
    }  # fmt: skip
    if layer.source.namespace != layer.ref.namespace:
        spec["sourceRef"]["namespace"] = layer.source.namespace
    if layer.keys:
        spec["decryption"] = {"provider": "sops", "secretRef": {"name": layer.keys}}
    if depends:
        spec["dependsOn"] = _names(depends, layer.ref.namespace)
    if layer.variables:
        spec["postBuild"] = {"substituteFrom": [{"kind": "ConfigMap", "name": layer.variables}]}
    return spec


def _id(ref: Ref) -> str:
    group = KINDS[ref.kind].group if ref.kind in KINDS else "apps"
    return f"{ref.namespace}_{ref.name}_{group}_{ref.kind}"


def applied(layer: Layer, *, bare: bool) -> Body:
    """What a Kustomization applied before anything broke."""
    children = (*layer.children, *((layer.deployment,) if layer.workload else ()))
    entries = [{"id": _id(ref), "v": _VERSIONS.get(ref.kind, "v1")} for ref in children]
    status: Body = {"inventory": {"entries": entries}}
    return status if bare else {**status, "lastAppliedRevision": REVISION, "lastAttemptedRevision": REVISION}


def release_spec(release: Release, depends: tuple[Ref, ...], version: str) -> Body:
    source = {"kind": release.source.kind, "name": release.source.name, "namespace": release.source.namespace}
    spec: Body = {"interval": "10m", "timeout": "2m"}
    if release.chart:
        spec["chart"] = {"spec": {"chart": release.ref.name, "version": version, "sourceRef": source}}
    else:
        spec["chartRef"] = source
    if depends:
        spec["dependsOn"] = _names(depends, release.ref.namespace)
    if release.values:
        spec["valuesFrom"] = [{"kind": "ConfigMap", "name": release.values}]
    return spec


def released(release: Release) -> Body:
    history = {
        "version": 1,
        "status": "deployed",
        "chartName": release.ref.name,
        "chartVersion": "1.2.3",
        "lastDeployed": BEFORE,
    }
    return {"helmChart": release.chart.named if release.chart else "", "history": [history]}


def chart_spec(release: Release, version: str) -> Body:
    source = {"kind": release.source.kind, "name": release.source.name}
    return {"interval": "10m", "chart": release.ref.name, "version": version, "sourceRef": source}


def workload(layer: Layer, *, crashes: bool) -> Iterator[Body]:
    """The Deployment that a layer applies, and its pod."""
    ref = layer.deployment
    containers = [{"name": "main", "image": "registry.example.com/acme/app:1.0.0"}]
    ready = 0 if crashes else 1
    status = {
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "observedGeneration": 1,
    }
    template = {"metadata": {"labels": {"app": ref.name}}, "spec": {"containers": containers}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": ref.name}}, "template": template}
    yield _object(ref, "apps/v1", _owned(layer.ref), spec=spec, status=status)
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"{ref.name}-5d9f",
        "controller": True,
        "uid": ref.name,
    }
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}}
    container: Body = {
        "name": "main",
        "image": containers[0]["image"],
        "ready": not crashes,
        "restartCount": 6 if crashes else 0,
    }
    container["state"] = waiting if crashes else {"running": {"startedAt": BEFORE}}
    if crashes:
        container["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": SINCE}}
    pod = _object(
        Ref("Pod", ref.namespace, f"{ref.name}-5d9f-x2k"), "v1", {"app": ref.name, "pod-template-hash": "5d9f"},
        spec={"containers": containers}, status={"phase": "Running", "containerStatuses": [container]},
    )  # fmt: skip
    pod["metadata"]["ownerReferences"] = [owner]
    yield pod

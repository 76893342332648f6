"""Snapshot folders of small fleets, made by code: format 1, a few objects of every kind, with real faults in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.redteam.kit import Box

TAKEN = "2026-11-30T00:00:00Z"
SINCE = "2026-11-29T00:00:00Z"
REVISION = "main@sha1:0123456789012345678901234567890123456789"
GROUPS = {
    "GitRepository": "source.toolkit.fluxcd.io/v1", "HelmRepository": "source.toolkit.fluxcd.io/v1",
    "HelmChart": "source.toolkit.fluxcd.io/v1", "OCIRepository": "source.toolkit.fluxcd.io/v1",
    "Bucket": "source.toolkit.fluxcd.io/v1", "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
    "HelmRelease": "helm.toolkit.fluxcd.io/v2", "ImageRepository": "image.toolkit.fluxcd.io/v1",
    "ImagePolicy": "image.toolkit.fluxcd.io/v1", "ImageUpdateAutomation": "image.toolkit.fluxcd.io/v1",
    "Receiver": "notification.toolkit.fluxcd.io/v1", "Alert": "notification.toolkit.fluxcd.io/v1beta3",
    "Provider": "notification.toolkit.fluxcd.io/v1beta3", "Deployment": "apps/v1",
}  # fmt: skip


def thing(
    kind: str, name: str, spec: Any = None, *, namespace: str = "shop", ready: Any = None, **more: Any
) -> dict[str, Any]:
    """Make an object. ``ready``: (status, reason, message) of its Ready condition."""
    body: dict[str, Any] = {
        "apiVersion": GROUPS.get(kind, "v1"), "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "generation": 1},
    }  # fmt: skip
    if spec is not None:
        body["spec"] = spec
    if ready:
        status, reason, message = ready
        condition = {
            "type": "Ready",
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": SINCE,
        }
        body["status"] = {"observedGeneration": 1, "conditions": [condition]}
    for key, value in more.items():
        body[key] = {**body.get(key, {}), **value} if isinstance(value, dict) else value
    return body


def event(about: Mapping[str, Any], message: str, number: int = 0, reason: str = "Failed") -> dict[str, Any]:
    meta = about["metadata"]
    return {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": f"e{number}", "namespace": meta["namespace"]},
        "involvedObject": {"kind": about["kind"], "apiVersion": about["apiVersion"], "namespace": meta["namespace"], "name": meta["name"]},
        "type": "Warning", "reason": reason, "message": message, "lastTimestamp": SINCE,
    }  # fmt: skip


def about(kinds: Iterable[str], more: str = "") -> str:
    listed = ", ".join(f"{{kind: {kind}, namespaces: all}}" for kind in sorted(set(kinds)))
    return f'format: 1\ntaken: "{TAKEN}"\nversions: {{kubernetes: v1.36.0, flux: v2.9.4}}\nlisted: [{listed}]\n{more}'


def files(objects: list[dict[str, Any]], more: Mapping[str, str] | None = None) -> dict[str, str]:
    kinds = [o["kind"] for o in objects if o["kind"] != "Event"]
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=1)
    return {"snapshot.yaml": about(kinds), "cluster/objects.json": body, **(more or {})}


def write(box: Box, content: Mapping[str, str | bytes], name: str = "snapshot") -> Path:
    root = box.folder(name)
    for path, text in content.items():
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return root


def says(
    message: str, kind: str = "Kustomization", reason: str = "ReconciliationFailed", name: str = "apps"
) -> dict[str, Any]:
    """Return an object that fails with a message."""
    spec = {
        "Kustomization": {"interval": "1m", "path": "./x", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
        "GitRepository": {"interval": "1m", "url": "https://git.test/x", "ref": {"branch": "main"}},
        "OCIRepository": {"interval": "1m", "url": "oci://registry.test/shop/app", "ref": {"tag": "v1"}},
        "HelmRelease": {"interval": "1m", "chart": {"spec": {"chart": "web", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}},
    }[kind]  # fmt: skip
    return thing(kind, name, spec, ready=("False", reason, message))


def git_world() -> dict[str, str]:
    """A branch that is gone, and what waits for it."""
    source = thing("GitRepository", "fleet", {"interval": "1m", "url": "https://git.test/fleet", "ref": {"branch": "mian"}, "secretRef": {"name": "login"}},
                   ready=("False", "GitOperationFailed", "failed to checkout and determine revision: unable to clone 'https://git.test/fleet': couldn't find remote ref \"refs/heads/mian\""))  # fmt: skip
    apps = thing("Kustomization", "apps", {"interval": "1m", "path": "./apps", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "fleet"}, "dependsOn": [{"name": "infra"}]},
                 ready=("False", "DependencyNotReady", "dependency 'shop/infra' is not ready"))  # fmt: skip
    infra = thing("Kustomization", "infra", {"interval": "1m", "path": "./infra", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
                  ready=("False", "ArtifactFailed", "Source artifact not found, retrying in 30s"))  # fmt: skip
    secret = thing("Secret", "login", type="Opaque", data={"username": "Z2l0", "password": "bm90LXRoYXQtc2VjcmV0"})
    objects = [
        source,
        apps,
        infra,
        secret,
        event(source, "couldn't find remote ref"),
        thing("Namespace", "shop", namespace=""),
    ]
    return files(objects, {"git/shop/fleet.refs.yaml": "refs/heads/main: 0123456789012345678901234567890123456789\n"})


def helm_world() -> dict[str, str]:
    """A chart version that was never published."""
    charts = thing(
        "HelmRepository",
        "charts",
        {"interval": "1h", "url": "https://charts.test"},
        ready=("True", "Succeeded", "stored artifact"),
    )
    release = thing("HelmRelease", "web", {"interval": "1m", "chart": {"spec": {"chart": "web", "version": "9.9.9", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}, "valuesFrom": [{"kind": "ConfigMap", "name": "values"}]},
                    ready=("False", "SourceNotReady", "HelmChart 'shop/shop-web' is not ready"))  # fmt: skip
    chart = thing("HelmChart", "shop-web", {"chart": "web", "version": "9.9.9", "interval": "1m", "sourceRef": {"kind": "HelmRepository", "name": "charts"}},
                  ready=("False", "InvalidChartReference", "invalid chart reference: failed to get chart version for remote reference: no 'web' chart with version matching '9.9.9' found"))  # fmt: skip
    values = thing("ConfigMap", "values", data={"values.yaml": "replicas: 2\n"})
    index = "apiVersion: v1\nentries:\n  web:\n  - version: 1.2.0\n    urls: [web-1.2.0.tgz]\n  - version: 1.1.0\n    urls: [web-1.1.0.tgz]\n"
    return files([charts, release, chart, values], {"helm/shop/charts/index.yaml": index})


def image_world() -> dict[str, str]:
    """A tag that is gone, a policy that matches nothing, and notifications."""
    oci = thing("OCIRepository", "app", {"interval": "5m", "url": "oci://registry.test/shop/app", "ref": {"tag": "v2"}},
                ready=("False", "OCIArtifactPullFailed", "failed to pull artifact from 'oci://registry.test/shop/app': MANIFEST_UNKNOWN: manifest unknown"))  # fmt: skip
    scan = thing("ImageRepository", "app", {"image": "registry.test/shop/app", "interval": "5m"}, ready=("True", "Succeeded", "ok"),
                 status={"lastScanResult": {"tagCount": 2, "latestTags": ["1.0.0", "1.1.0"]}})  # fmt: skip
    policy = thing("ImagePolicy", "app", {"imageRepositoryRef": {"name": "app"}, "filterTags": {"pattern": "^v(?P<v>.*)$", "extract": "$v"}, "policy": {"semver": {"range": ">=2.0.0"}}},
                   ready=("False", "Failed", "unable to determine latest version from provided list"))  # fmt: skip
    alert = thing(
        "Alert", "a", {"providerRef": {"name": "p"}, "eventSources": [{"kind": "Kustomization", "name": "*"}]}
    )
    provider = thing("Provider", "p", {"type": "slack", "channel": "c", "secretRef": {"name": "hook"}})
    receiver = thing(
        "Receiver",
        "r",
        {"type": "github", "resources": [{"kind": "GitRepository", "name": "gone"}], "secretRef": {"name": "hook"}},
    )
    return files(
        [oci, scan, policy, alert, provider, receiver], {"oci/shop/app.yaml": 'tags: ["v1", "v0"]\nmanifests: {}\n'}
    )


def tree_world() -> dict[str, str]:
    """A file that is listed and not there, and a Deployment that does not come up."""
    source = thing("GitRepository", "fleet", {"interval": "1m", "url": "https://git.test/fleet", "ref": {"branch": "main"}}, ready=("True", "Succeeded", "ok"),
                   status={"artifact": {"revision": REVISION}})  # fmt: skip
    apps = thing("Kustomization", "apps", {"interval": "1m", "path": "./apps", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "fleet"}, "wait": True},
                 ready=("False", "BuildFailed", "kustomize build failed: accumulating resources: accumulation err='accumulating resources from 'gone.yaml': open /tmp/kustomization-0/apps/gone.yaml: no such file or directory'"))  # fmt: skip
    web = thing("Kustomization", "web", {"interval": "1m", "path": "./web", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
                ready=("False", "HealthCheckFailed", "health check failed after 30s: timeout waiting for: [Deployment/shop/web status: 'InProgress']"),
                status={"inventory": {"entries": [{"id": "shop_web_apps_Deployment", "v": "v1"}]}})  # fmt: skip
    deployment = thing(
        "Deployment",
        "web",
        {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}},
        status={"replicas": 1, "unavailableReplicas": 1},
    )
    waiting = {
        "name": "web",
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
        "restartCount": 9,
    }
    pod = thing("Pod", "web-1", {"containers": [{"name": "web", "image": "registry.test/web:1"}]}, metadata={"labels": {"app": "web"}},
                status={"phase": "Running", "containerStatuses": [waiting]})  # fmt: skip
    tree = {
        "git/shop/fleet/apps/kustomization.yaml": "resources: [a.yaml, gone.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: |\n    - {op: add, path: /data/x, value: y}\n",
        "git/shop/fleet/apps/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {b: c}\n",
        "git/shop/fleet/web/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {replicas: 1}\n",
        "probes.yaml": f'- {{kind: GitRepository, namespace: shop, name: fleet, target: "https://git.test/fleet", answer: ok, detail: "", at: "{TAKEN}"}}\n',
    }  # fmt: skip
    return files([source, apps, web, deployment, pod, event(pod, "Back-off restarting failed container")], tree)


WORLDS = {"git": git_world, "helm": helm_world, "image": image_world, "tree": tree_world}

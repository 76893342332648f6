"""Regular expressions that users write are Go's, which never hang: a run may not hang over one either."""

from __future__ import annotations

import http.client
import json
import threading
import time

from tests.redteam import mcp_client, worlds
from tests.redteam.kit import Box, BrokenError, case
from tests.redteam.repos import FLEET, fleet

EVIL = "(a|a)*b"
LONG = "a" * 44
#: Seconds of CPU; an ordinary run takes less than one.
MOST = 4


def crd(schema: str) -> str:
    return (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: helmreleases.helm.toolkit.fluxcd.io}\n"
        "spec:\n  group: helm.toolkit.fluxcd.io\n  names: {kind: HelmRelease, plural: helmreleases, singular: helmrelease, listKind: HelmReleaseList}\n"
        f"  scope: Namespaced\n  versions:\n  - name: v2\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {schema}}}\n"
    )


def of_chart(inner: str) -> str:
    """Write the schema of a HelmRelease whose spec.chart.spec.chart is described by ``inner``."""
    schema = inner
    for name in ("chart", "spec", "chart", "spec"):
        schema = f"{{type: object, properties: {{{name}: {schema}}}}}"
    return schema


def policy_world(pattern: str, tag: str, **policy: object) -> dict[str, str]:
    scan = worlds.thing("ImageRepository", "app", {"image": "registry.test/app", "interval": "5m"}, ready=("True", "Succeeded", "ok"),
                        status={"lastScanResult": {"tagCount": 2, "latestTags": [tag, "1.0.0"]}})  # fmt: skip
    spec = {
        "imageRepositoryRef": {"name": "app"},
        "filterTags": {"pattern": pattern, "extract": "$1"},
        "policy": {"semver": {"range": ">=2.0.0"}},
        **policy,
    }
    return worlds.files(
        [
            scan,
            worlds.thing(
                "ImagePolicy",
                "app",
                spec,
                ready=("False", "Failed", "unable to determine latest version from provided list"),
            ),
        ]
    )


def patch(target: str) -> str:
    return f"patches:\n- target: {target}\n  patch: |\n    - {{op: add, path: /data/x, value: y}}\n"


@case("regex-image-policy", "H3")
def image_policy(box: Box) -> None:
    """spec.filterTags.pattern of an ImagePolicy against a long tag"""
    world = policy_world(r"^([0-9]+\.?)+$", "1234567890" * 4 + "-x")
    box.sound(box.run("diagnose", "--from", worlds.write(box, world), cpu=MOST))


@case("regex-semver-filter", "H3", quick=False)
def semver_filter(box: Box) -> None:
    """spec.ref.semverFilter of an OCIRepository against a long tag"""
    body = worlds.says("no match found for semver: >=1.0", "OCIRepository", "OCIArtifactPullFailed", "app")
    body["spec"]["ref"] = {"semver": ">=1.0", "semverFilter": EVIL}
    world = worlds.files([body], {"oci/shop/app.yaml": f'tags: ["{LONG}", "1.0.0"]\n'})
    box.sound(box.run("diagnose", "--from", worlds.write(box, world), cpu=MOST))


@case("regex-patch-target", "H3")
def patch_target(box: Box) -> None:
    """the target of a patch in a kustomization file and in spec.patches, of a snapshot"""
    source = worlds.thing("GitRepository", "fleet", {"interval": "1m", "url": "https://git.test/x", "ref": {"branch": "main"}}, ready=("True", "Succeeded", "ok"),
                          status={"artifact": {"revision": worlds.REVISION}})  # fmt: skip
    inner = {"target": {"kind": "ConfigMap", "name": EVIL}, "patch": "- {op: add, path: /data/x, value: y}\n"}
    spec = {
        "interval": "1m",
        "path": "./apps",
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": "fleet"},
        "patches": [inner],
    }
    world = worlds.files(
        [source, worlds.thing("Kustomization", "apps", spec, ready=("True", "ReconciliationSucceeded", "ok"))],
        {
            "git/shop/fleet/apps/cm.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {LONG}}}\ndata: {{a: b}}\n",
            "git/shop/fleet/apps/kustomization.yaml": "resources: [cm.yaml]\n" + patch(f'{{kind: ConfigMap, name: "{EVIL}"}}'),
        },
    )  # fmt: skip
    box.sound(box.run("diagnose", "--from", worlds.write(box, world), cpu=MOST))


@case("regex-patch-target-check", "held", needs=["kustomize", "git"])
def patch_target_check(box: Box) -> None:
    """the same in a repository, and as the kind of a patch of a FluxInstance"""
    root = fleet(box, {
        "apps/kustomization.yaml": "resources: [hr.yaml, cm.yaml]\n" + patch(f'{{kind: ConfigMap, name: "{EVIL}"}}'),
        "apps/cm.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {LONG}, namespace: flux-system}}\ndata: {{a: b}}\n",
    })  # fmt: skip
    box.sound(box.run("check", root, "--no-cache", cpu=MOST))
    instance = (
        "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux, namespace: flux-system}\nspec:\n"
        '  distribution: {version: 2.x, registry: registry.test/flux}\n  sync: {kind: GitRepository, url: "https://git.test/fleet.git", '
        'ref: refs/heads/main, path: clusters/prod}\n  kustomize:\n    patches:\n    - target: {kind: "(K|Ku|u|s|t|o|m|i|z|a|n)*x|(.|.)*!"}\n'
        "      patch: |\n        - {op: add, path: /spec/x, value: y}\n"
    )
    base = {k: v for k, v in FLEET.items() if "flux-system" not in k}
    box.sound(
        box.run(
            "check", fleet(box, {"clusters/prod/instance.yaml": instance}, "instance", base), "--no-cache", cpu=MOST
        )
    )


@case("regex-crd-pattern", "H3", needs=["kustomize", "git"])
def crd_pattern(box: Box) -> None:
    """the pattern of a field in a CustomResourceDefinition of the repository"""
    root = fleet(box, {
        "apps/crd.yaml": crd(of_chart(f'{{type: string, pattern: "{EVIL}"}}')),
        "apps/hr.yaml": FLEET["apps/hr.yaml"].replace("chart: web", f"chart: {LONG}"),
    })  # fmt: skip
    box.sound(box.run("check", root, "--no-cache", cpu=MOST))


@case("regex-chart-schema", "held", needs=["kustomize", "git"])
def chart_schema(box: Box) -> None:
    """the pattern of a value in a chart's values.schema.json"""
    schema = {"properties": {"a": {"type": "string", "pattern": EVIL}}}
    root = fleet(box, {
        "apps/hr.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: flux-system}\n"
        f"spec: {{interval: 10m, values: {{a: {LONG}}}, chart: {{spec: {{chart: ./charts/web, sourceRef: {{kind: GitRepository, name: flux-system}}}}}}}}\n",
        "apps/kustomization.yaml": "resources: [hr.yaml]\n",
        "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        "charts/web/values.yaml": "a: x\n",
        "charts/web/values.schema.json": json.dumps(schema),
    })  # fmt: skip
    box.sound(box.run("check", root, "--no-cache", cpu=15, wall=60))


@case("regex-mcp-hang", "H3")
def mcp_hang(box: Box) -> None:
    """one client has a snapshot with such a pattern diagnosed over MCP: another client still gets its answers"""
    root = box.folder("root")
    worlds.write(box, policy_world(r"^([0-9]+\.?)+$", "1234567890" * 4 + "-x"), "root/evil")
    port = mcp_client.serve(box, root)
    first, second = mcp_client.Client(port), mcp_client.Client(port)
    first.open()
    second.open()

    def ask() -> None:
        try:
            first.call("diagnose", path="evil", timeout=15 * box.patience)
        except (OSError, http.client.HTTPException):
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    time.sleep(2)
    began = time.monotonic()
    try:
        second.ask("tools/list", timeout=8 * box.patience)
    except (OSError, http.client.HTTPException):
        raise BrokenError(f"another client has no answer after {time.monotonic() - began:.0f} s") from None

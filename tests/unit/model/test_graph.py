"""The typed edges of the graph, kind by kind, and its cycles."""

from __future__ import annotations

import pytest

from fluxdoctor.model.flux import Edge
from fluxdoctor.model.resource import Ref
from tests.helpers.worlds import kustomization, world


def edges(kind: str, group: str, spec: str, more: str = "") -> list[str]:
    """Every edge of one object but those to its namespace and CRD, as `edge field target [optional]`."""
    text = f"apiVersion: {group}\nkind: {kind}\nmetadata: {{name: it, namespace: apps}}\nspec: {spec}\n{more}"
    found = world(text).graph.needs(Ref(kind, "apps", "it"))
    implied = (Edge.NAMESPACE, Edge.CRD)
    return [f"{r.edge} {r.field} {r.target}{' optional' * r.optional}" for r in found if r.edge not in implied]


SOURCE, KUSTOMIZE, HELM = "source.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1", "helm.toolkit.fluxcd.io/v2"
NOTIFY, IMAGE = "notification.toolkit.fluxcd.io/v1beta3", "image.toolkit.fluxcd.io/v1"
AUTH = "{secretRef: {name: s}, certSecretRef: {name: c}, proxySecretRef: {name: p}, verify: {secretRef: {name: v}}}"
AUTH_EDGES = [
    "secretRef spec.secretRef Secret/apps/s",
    "certSecretRef spec.certSecretRef Secret/apps/c",
    "proxySecretRef spec.proxySecretRef Secret/apps/p",
    "verify spec.verify.secretRef Secret/apps/v",
]


@pytest.mark.parametrize("kind", ["GitRepository", "OCIRepository", "HelmRepository", "Bucket"])
def test_sources_and_their_secrets(kind: str) -> None:
    assert edges(kind, SOURCE, AUTH) == AUTH_EDGES


@pytest.mark.parametrize(
    ("kind", "group", "spec", "expected"),
    [
        ("GitRepository", SOURCE, "{include: [{repository: {name: lib}}]}", ["include spec.include[0] GitRepository/apps/lib"]),
        ("HelmChart", SOURCE, "{sourceRef: {kind: Bucket, name: b}}", ["sourceRef spec.sourceRef Bucket/apps/b"]),
        ("ExternalArtifact", SOURCE, "{sourceRef: {apiVersion: source.extensions.fluxcd.io/v1beta1, kind: ArtifactGenerator, name: g}}",
         ["artifactGenerator spec.sourceRef ArtifactGenerator/apps/g"]),
        ("ArtifactGenerator", "source.extensions.fluxcd.io/v1beta1", "{sources: [{alias: a, kind: GitRepository, name: g, namespace: x}]}",
         ["sourceRef spec.sources[0] GitRepository/x/g"]),
        ("Kustomization", KUSTOMIZE,
         "{sourceRef: {kind: OCIRepository, name: o, namespace: x}, dependsOn: [{name: a}, {name: b, namespace: z}], targetNamespace: t, "
         "serviceAccountName: sa, decryption: {secretRef: {name: age}}, kubeConfig: {secretRef: {name: kc}}, "
         "postBuild: {substituteFrom: [{kind: ConfigMap, name: cm}, {kind: Secret, name: s, optional: true}]}, "
         "healthChecks: [{apiVersion: apps/v1, kind: Deployment, name: d}]}",
         ["sourceRef spec.sourceRef OCIRepository/x/o", "dependsOn spec.dependsOn[0] Kustomization/apps/a",
          "dependsOn spec.dependsOn[1] Kustomization/z/b", "substituteFrom spec.postBuild.substituteFrom[0] ConfigMap/apps/cm",
          "substituteFrom spec.postBuild.substituteFrom[1] Secret/apps/s optional", "decryption spec.decryption.secretRef Secret/apps/age",
          "kubeConfig spec.kubeConfig.secretRef Secret/apps/kc", "serviceAccount spec.serviceAccountName ServiceAccount/apps/sa",
          "targetNamespace spec.targetNamespace Namespace/t", "healthCheck spec.healthChecks[0] Deployment/apps/d"]),
        ("HelmRelease", HELM,
         "{chart: {spec: {chart: c, sourceRef: {kind: HelmRepository, name: r, namespace: x}, verify: {secretRef: {name: cosign}}}}, "
         "dependsOn: [{name: a}], valuesFrom: [{kind: ConfigMap, name: cm, optional: true}], storageNamespace: st, "
         "targetNamespace: t, install: {createNamespace: true}}",
         ["sourceRef spec.chart.spec.sourceRef HelmRepository/x/r", "dependsOn spec.dependsOn[0] HelmRelease/apps/a",
          "valuesFrom spec.valuesFrom[0] ConfigMap/apps/cm optional", "verify spec.chart.spec.verify.secretRef Secret/apps/cosign",
          "targetNamespace spec.targetNamespace Namespace/t optional", "targetNamespace spec.storageNamespace Namespace/st",
          "helmChart spec.chart HelmChart/x/apps-it"]),
        ("HelmRelease", HELM, "{chartRef: {kind: OCIRepository, name: o}}", ["chartRef spec.chartRef OCIRepository/apps/o"]),
        ("ImagePolicy", IMAGE, "{imageRepositoryRef: {name: r, namespace: x}}", ["imageRepositoryRef spec.imageRepositoryRef ImageRepository/x/r"]),
        ("ImageUpdateAutomation", IMAGE, "{sourceRef: {kind: GitRepository, name: g}, git: {commit: {signingKey: {secretRef: {name: k}}}}}",
         ["sourceRef spec.sourceRef GitRepository/apps/g", "secretRef spec.git.commit.signingKey.secretRef Secret/apps/k"]),
        ("Alert", NOTIFY, "{providerRef: {name: p}, eventSources: [{kind: Kustomization, name: '*'}, {kind: GitRepository, name: g, namespace: x}]}",
         ["providerRef spec.providerRef Provider/apps/p", "eventSource spec.eventSources[1] GitRepository/x/g"]),
        ("Provider", NOTIFY, "{secretRef: {name: s}}", ["secretRef spec.secretRef Secret/apps/s"]),
        ("Receiver", "notification.toolkit.fluxcd.io/v1", "{secretRef: {name: s}, resources: [{kind: GitRepository, name: g}]}",
         ["secretRef spec.secretRef Secret/apps/s", "receives spec.resources[0] GitRepository/apps/g"]),
        ("FluxInstance", "fluxcd.controlplane.io/v1", "{sync: {name: fleet, pullSecret: s}}",
         ["secretRef spec.sync.pullSecret Secret/apps/s", "sync spec.sync Kustomization/apps/fleet"]),
        ("ResourceSet", "fluxcd.controlplane.io/v1", "{dependsOn: [{apiVersion: v1, kind: Secret, name: s}], inputsFrom: [{kind: ResourceSetInputProvider, name: i}]}",
         ["dependsOn spec.dependsOn[0] Secret/apps/s", "inputsFrom spec.inputsFrom[0] ResourceSetInputProvider/apps/i"]),
    ],
    ids=lambda value: value if str(value).isalpha() else "",
)  # fmt: skip
def test_references(kind: str, group: str, spec: str, expected: list[str]) -> None:
    assert edges(kind, group, spec) == expected


def test_namespace_crd_and_controller() -> None:
    deployment = (
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kustomize-controller, namespace: flux-system}\n"
    )
    graph = world(kustomization("apps") + deployment).graph
    found = [
        str(r.target)
        for r in graph.needs(Ref("Kustomization", "flux-system", "apps"), Edge.NAMESPACE, Edge.CRD, Edge.CONTROLLER)
    ]
    assert found == [
        "Namespace/flux-system",
        "CustomResourceDefinition/kustomizations.kustomize.toolkit.fluxcd.io",
        "Deployment/flux-system/kustomize-controller",
    ]


def test_a_parent_is_known_by_labels_and_by_inventory() -> None:
    ids = "inventory: {entries: [{id: apps_web_apps_Deployment, v: v1}, {id: _apps__Namespace, v: v1}, {id: 'x_a__b_rbac.authorization.k8s.io_Role'}]}"
    labelled = (
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: apps, labels: "
        "{kustomize.toolkit.fluxcd.io/name: it, kustomize.toolkit.fluxcd.io/namespace: flux-system}}\n"
    )
    snapshot = world(kustomization("it", status=ids) + labelled)
    it = Ref("Kustomization", "flux-system", "it")
    assert [str(r.target) for r in snapshot.graph.needs(it, Edge.APPLIES)] == [
        "Deployment/apps/web", "Namespace/apps", "Role/x/a:b", "ConfigMap/apps/settings",
    ]  # fmt: skip
    assert snapshot.graph.appliers(Ref("Deployment", "apps", "web")) == (it,)
    settings = snapshot.cluster.get(Ref("ConfigMap", "apps", "settings"))
    assert settings
    assert snapshot.graph.parent(settings) == it


def depends(**arrows: str) -> str:
    return "".join(
        kustomization(name, spec=f"dependsOn: [{', '.join(f'{{name: {t}}}' for t in on.split())}]")
        for name, on in arrows.items()
    )


@pytest.mark.parametrize(
    ("arrows", "cycles"),
    [
        ({"a": "a"}, [["a"]]),
        ({"a": "b", "b": "a"}, [["a", "b"]]),
        ({"a": "b", "b": "c", "c": "a", "d": "a"}, [["a", "b", "c"]]),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, [["a", "b"], ["c", "d"]]),
        ({"a": "b c", "b": "d", "c": "d", "d": ""}, []),
        ({"a": "gone"}, []),
        ({"a": "b", "b": "c a", "c": "b"}, [["a", "b", "c"]]),
    ],
    ids=str,
)
def test_cycles(arrows: dict[str, str], cycles: list[list[str]]) -> None:
    found = world(depends(**arrows)).graph.cycles(Edge.DEPENDS_ON)
    assert [[ref.name for ref in cycle] for cycle in found] == cycles


def test_a_chain_deeper_than_pythons_stack() -> None:
    arrows = {f"k{i}": f"k{i + 1}" for i in range(3000)} | {"k3000": "k0"}
    assert [len(c) for c in world(depends(**arrows)).graph.cycles(Edge.DEPENDS_ON)] == [3001]


def test_a_kind_of_another_group_is_not_taken_for_fluxs() -> None:
    text = "apiVersion: pkg.crossplane.io/v1\nkind: Provider\nmetadata: {name: aws, namespace: apps}\n"
    snapshot = world(text)
    assert [str(r.ref) for r in snapshot.cluster] == ["Provider.pkg.crossplane.io/apps/aws"]
    assert snapshot.cluster.flux == ()

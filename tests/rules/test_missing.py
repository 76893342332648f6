"""References to objects that do not exist, and the hint at what may have been meant."""

from __future__ import annotations

import pytest

from fluxdoctor import Edge, Unknown, missing
from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.model.flux import references
from tests.helpers.worlds import FLEET, condition, kustomization, rules, world

RELEASE = "helm.toolkit.fluxcd.io/v2", "HelmRelease"
ALERT = "notification.toolkit.fluxcd.io/v1beta3", "Alert"
PROVIDER = "notification.toolkit.fluxcd.io/v1beta3", "Provider"


def body(api: tuple[str, str], name: str, spec: str = "{}", namespace: str = "apps") -> str:
    version, kind = api
    return (
        f"---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )


def hints(objects: str, kind: str, edge: Edge, *also: str) -> list[str]:
    results = missing.references(world(FLEET + objects).cluster, (kind,), edge, also=also)
    return [str(r) if isinstance(r, Unknown) else r.hint for r in results]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ("", ""),
        (body(RELEASE, "databases"), "; did you mean databases?"),
        (body(RELEASE, "database", namespace="data"), "; one of that name exists in namespace data"),
        (
            body(RELEASE, "database", namespace="data") + body(RELEASE, "database", namespace="shop"),
            "; objects of that name exist in namespaces data and shop",
        ),
        (
            body(("kustomize.toolkit.fluxcd.io/v1", "Kustomization"), "database"),
            "; did you mean Kustomization/apps/database?",
        ),
    ],
)
def test_hint_of_a_reference_that_may_name_a_namespace(others: str, expected: str) -> None:
    release = body(RELEASE, "web", "{dependsOn: [{name: database}]}")
    assert hints(release + others, "HelmRelease", Edge.DEPENDS_ON, "Kustomization") == [expected]


def test_hint_of_a_reference_that_may_not_name_a_namespace() -> None:
    objects = body(ALERT, "ops", "{providerRef: {name: chat}}") + body(PROVIDER, "chat", namespace="other")
    expected = "; Provider/other/chat exists, but spec.providerRef cannot refer to another namespace"
    assert hints(objects, "Alert", Edge.PROVIDER) == [expected]


def test_an_object_is_not_a_hint_at_itself() -> None:
    assert hints(body(RELEASE, "web", "{dependsOn: [{name: webb}]}"), "HelmRelease", Edge.DEPENDS_ON) == [""]


def test_unknown_is_said_by_the_policy_and_keeps_its_gap() -> None:
    objects = body(ALERT, "ops", "{providerRef: {name: chat}}")
    cluster = world(objects, listed=("Alert",)).cluster
    (unknown,) = missing.references(cluster, ("Alert",), Edge.PROVIDER, unknown=missing.always)
    assert isinstance(unknown, Unknown)
    assert unknown.gap is not None
    assert list(missing.references(cluster, ("Alert",), Edge.PROVIDER)) == []


def test_only_judges_the_objects_that_a_rule_asks_for() -> None:
    cluster = world(body(ALERT, "ops", "{providerRef: {name: chat}}")).cluster
    assert list(missing.references(cluster, ("Alert",), Edge.PROVIDER, only=lambda alert: alert.name != "ops")) == []


def test_helm_creates_the_namespace_of_the_release_only() -> None:
    spec = "{targetNamespace: shop, storageNamespace: store, install: {createNamespace: true}}"
    release = world(body(RELEASE, "web", spec)).cluster.all("HelmRelease")[0]
    optional = {r.target.name: r.optional for r in references(release) if r.edge is Edge.TARGET_NAMESPACE}
    assert optional == {"shop": True, "store": False}


def test_a_lookup_that_is_unknown_is_no_answer() -> None:
    """These rules look an object up that the snapshot did not list."""
    failed = "timeout waiting for: [Deployment/apps/web status: 'NotFound']"
    health = "healthChecks: [{apiVersion: apps/v1, kind: Deployment, name: web, namespace: apps}]"
    objects = FLEET + kustomization("apps", "HealthCheckFailed", failed, health)
    snapshot = world(objects, listed=("GitRepository", "Kustomization"))
    skipped = {s.rule for s in diagnose(snapshot, rules()).skipped}
    assert "kustomize/health-check-missing" in skipped
    release = (
        body(RELEASE, "web", "{kubeConfig: {secretRef: {name: edge}}}")
        + f"status: {{conditions: [{condition('InstallFailed', 'no')}]}}\n"
    )
    skipped = {s.rule for s in diagnose(world(FLEET + release, listed=("HelmRelease",)), rules()).skipped}
    assert "helm/kubeconfig-unusable" in skipped

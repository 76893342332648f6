"""Finds objects that change Kustomizations in the cluster. Their variables then differ from those in the repository."""

from __future__ import annotations

import orjson

from fluxdoctor.model import flux
from fluxdoctor.model.resource import Fields, Resource

#: A chart that adds variables from ConfigMaps and Secrets to every Kustomization (github.com/xunholy/kustomize-mutating-webhook).
_CHART = "kustomize-mutating-webhook"
_KIND, _RESOURCE = b"Kustomization", "kustomizations"


def changes_kustomizations(resource: Resource) -> bool:
    """Tell whether an object changes Kustomizations in the cluster: a webhook, a policy, or a chart that installs one."""
    if resource.kind == "HelmRelease":
        return _CHART in (resource.text("spec.chart.spec.chart"), resource.text("spec.chartRef.name"))
    if resource.kind == "OCIRepository":
        return resource.text("spec.url").endswith(f"/{_CHART}")
    if resource.kind == "MutatingWebhookConfiguration":
        return any(_matches(rule) for webhook in resource.rows("webhooks") for rule in webhook.rows("rules"))
    if resource.kind == "MutatingAdmissionPolicy":
        return any(map(_matches, resource.rows("spec.matchConstraints.resourceRules")))
    if resource.kind in ("ClusterPolicy", "Policy") and resource.group == "kyverno.io":
        return any(row.has("mutate") and _mentions_kustomizations(row) for row in resource.rows("spec.rules"))
    return False


def _matches(rule: Fields) -> bool:
    resources, groups = rule.strings("resources"), rule.strings("apiGroups")
    return bool({"*", _RESOURCE} & {*resources}) and bool({"*", flux.KUSTOMIZE} & {*groups})


def _mentions_kustomizations(rule: Fields) -> bool:
    return _KIND in orjson.dumps(rule.get("match"), option=orjson.OPT_NON_STR_KEYS)

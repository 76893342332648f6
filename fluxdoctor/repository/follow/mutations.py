"""What in a cluster changes Kustomizations as they are applied: then their variables are not what the repository says."""

from __future__ import annotations

import orjson

from fluxdoctor.model import flux
from fluxdoctor.model.resource import Fields, Resource

#: A chart that gives every Kustomization the variables of ConfigMaps and Secrets (github.com/xunholy/kustomize-mutating-webhook).
_CHART = "kustomize-mutating-webhook"
_KIND, _RESOURCE = b"Kustomization", "kustomizations"


def changes_kustomizations(resource: Resource) -> bool:
    """Tell whether an object, once it is there, changes Kustomizations: a webhook, a policy, or the chart of one."""
    if resource.kind == "HelmRelease":
        return _CHART in (resource.text("spec.chart.spec.chart"), resource.text("spec.chartRef.name"))
    if resource.kind == "OCIRepository":
        return resource.text("spec.url").endswith(f"/{_CHART}")
    if resource.kind == "MutatingWebhookConfiguration":
        return any(_is_for(rule) for webhook in resource.rows("webhooks") for rule in webhook.rows("rules"))
    if resource.kind == "MutatingAdmissionPolicy":
        return any(map(_is_for, resource.rows("spec.matchConstraints.resourceRules")))
    if resource.kind in ("ClusterPolicy", "Policy") and resource.group == "kyverno.io":
        return any(row.has("mutate") and _names_it(row) for row in resource.rows("spec.rules"))
    return False


def _is_for(rule: Fields) -> bool:
    resources, groups = rule.strings("resources"), rule.strings("apiGroups")
    return bool({"*", _RESOURCE} & {*resources}) and bool({"*", flux.KUSTOMIZE} & {*groups})


def _names_it(rule: Fields) -> bool:
    return _KIND in orjson.dumps(rule.get("match"), option=orjson.OPT_NON_STR_KEYS)

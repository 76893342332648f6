"""The users of the test cluster and what each may do: real tokens, certificates and RBAC."""

from __future__ import annotations

from typing import Any

ADMIN = "admin"
ONE_NAMESPACE = "one-namespace"  # may read everything in the namespace HOME, and nothing outside it
NO_SECRETS = "no-secrets"  # may read the Flux kinds and what they rest on everywhere, but no Secret
NO_RIGHTS = "no-rights"  # is known, and may read nothing but discovery
GROUPS = {ADMIN: ["system:masters"], ONE_NAMESPACE: [], NO_SECRETS: [], NO_RIGHTS: []}
USERS = tuple(GROUPS)

HOME = "flux-system"

FLUX_GROUPS = [
    "helm.toolkit.fluxcd.io",
    "image.toolkit.fluxcd.io",
    "kustomize.toolkit.fluxcd.io",
    "notification.toolkit.fluxcd.io",
    "source.extensions.fluxcd.io",
    "source.toolkit.fluxcd.io",
]
_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]


def rules() -> list[dict[str, Any]]:
    """Return the namespace HOME, and the roles and bindings that give the users their rights."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}},
        *grant("Role", ONE_NAMESPACE, [{"apiGroups": ["*"], "resources": ["*"], "verbs": _READ}], HOME),
        *grant(
            "ClusterRole",
            NO_SECRETS,
            [
                {"apiGroups": FLUX_GROUPS, "resources": ["*"], "verbs": _READ},
                {
                    "apiGroups": [""],
                    "resources": ["configmaps", "events", "namespaces", "pods", "serviceaccounts", "services"],
                    "verbs": _READ,
                },
                {"apiGroups": ["apps"], "resources": ["*"], "verbs": _READ},
                {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": _READ},
            ],
        ),
    ]


def grant(kind: str, user: str, granted: list[dict[str, Any]], namespace: str = "") -> list[dict[str, Any]]:
    """Return a Role or ClusterRole with these rules, and its binding to a user."""
    metadata = {"name": f"e2e-{user}", **({"namespace": namespace} if namespace else {})}
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata, "rules": granted},
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": metadata["name"]},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
        },
    ]

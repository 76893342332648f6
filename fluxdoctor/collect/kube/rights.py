"""The RBAC rules that a full diagnosis needs: read-only, without the right to list Secrets."""

from __future__ import annotations

from typing import Any

import yaml

from fluxdoctor.model import flux

NAME = "fluxdoctor"


def rules(*, namespaced: bool = False) -> list[dict[str, Any]]:
    """Return the rules of the smallest sufficient role; ``namespaced``: without cluster-scoped resources."""
    groups: dict[str, list[str]] = {}
    for kind in flux.KINDS.values():
        groups.setdefault(kind.group, []).append(kind.plural)
    role_rules = [_rule([group], sorted(plurals), "get", "list") for group, plurals in sorted(groups.items())]
    role_rules += [
        # The objects that Flux objects refer to, by name only; Secret values become facts before any other code reads them.
        _rule([""], ["configmaps", "secrets", "serviceaccounts"], "get"),
        _rule([""], ["events", "pods"], "get", "list"),
        _rule([""], ["persistentvolumeclaims", "services"], "get"),
        _rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], "get", "list"),
        _rule(["batch"], ["cronjobs", "jobs"], "get", "list"),
        _rule(["rbac.authorization.k8s.io"], ["rolebindings"], "list"),
    ]
    if not namespaced:
        role_rules += [
            _rule([""], ["namespaces"], "get", "list"),
            _rule(["apiextensions.k8s.io"], ["customresourcedefinitions"], "get", "list"),
            _rule(["rbac.authorization.k8s.io"], ["clusterrolebindings"], "list"),
        ]
    return role_rules


def _rule(groups: list[str], resources: list[str], *verbs: str) -> dict[str, Any]:
    return {"apiGroups": groups, "resources": resources, "verbs": list(verbs)}


def manifest(namespace: str = "", account: str = "") -> str:
    """Return a ClusterRole as YAML, or a Role of ``namespace``; with a binding if there is an ``account`` (ServiceAccount)."""
    return _manifest(NAME, rules(namespaced=bool(namespace)), namespace, account)


def publisher(account: str = "") -> str:
    """Return the additional ClusterRole to write OpenReports objects; with a binding if there is an ``account``."""
    reports = ["clusterreports", "reports"]
    # A server-side apply of an object that does not exist is a create (Kubernetes API concepts, "Server-Side Apply").
    return _manifest(
        f"{NAME}-publisher", [_rule(["openreports.io"], reports, "create", "delete", "list", "patch")], "", account
    )


def _manifest(name: str, rules: list[dict[str, Any]], namespace: str, account: str) -> str:
    kind = "Role" if namespace else "ClusterRole"
    namespace_field = {"namespace": namespace} if namespace else {}
    api = "rbac.authorization.k8s.io"
    role: dict[str, Any] = {
        "apiVersion": f"{api}/v1", "kind": kind, "metadata": {"name": name, **namespace_field}, "rules": rules,
    }  # fmt: skip
    documents = [role]
    if account:
        account_namespace, _, account_name = account.rpartition("/")
        subject = {
            "kind": "ServiceAccount",
            "name": account_name,
            "namespace": account_namespace or namespace or "default",
        }
        documents.append(
            {
                "apiVersion": f"{api}/v1", "kind": f"{kind}Binding", "metadata": {"name": name, **namespace_field},
                "roleRef": {"apiGroup": api, "kind": kind, "name": name}, "subjects": [subject],
            }
        )  # fmt: skip
    return yaml.safe_dump_all(documents, sort_keys=False)

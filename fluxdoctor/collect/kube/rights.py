"""The rights that a full diagnosis needs: read-only, and no list of Secrets."""

from __future__ import annotations

from typing import Any

import yaml

from fluxdoctor.model import flux

NAME = "fluxdoctor"


def rules(*, namespaced: bool = False) -> list[dict[str, Any]]:
    """Return the rules of the least role; ``namespaced``: without what is not in a namespace."""
    groups: dict[str, list[str]] = {}
    for kind in flux.KINDS.values():
        groups.setdefault(kind.group, []).append(kind.plural)
    found = [_rule([group], sorted(plurals), "get", "list") for group, plurals in sorted(groups.items())]
    found += [
        # What Flux objects refer to, by name only: their values are turned into facts before anything else sees them.
        _rule([""], ["configmaps", "secrets", "serviceaccounts"], "get"),
        _rule([""], ["events", "pods"], "get", "list"),
        _rule([""], ["persistentvolumeclaims", "services"], "get"),
        _rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], "get", "list"),
        _rule(["batch"], ["cronjobs", "jobs"], "get", "list"),
        _rule(["rbac.authorization.k8s.io"], ["rolebindings"], "list"),
    ]
    if not namespaced:
        found += [
            _rule([""], ["namespaces"], "get", "list"),
            _rule(["apiextensions.k8s.io"], ["customresourcedefinitions"], "get", "list"),
            _rule(["rbac.authorization.k8s.io"], ["clusterrolebindings"], "list"),
        ]
    return found


def _rule(groups: list[str], resources: list[str], *verbs: str) -> dict[str, Any]:
    return {"apiGroups": groups, "resources": resources, "verbs": list(verbs)}


def manifest(namespace: str = "", account: str = "") -> str:
    """Return a ClusterRole as YAML, or a Role of one namespace; with a binding where a ServiceAccount is named."""
    return _manifest(NAME, rules(namespaced=bool(namespace)), namespace, account)


def publisher(account: str = "") -> str:
    """Return the ClusterRole that writing OpenReports objects needs, beside the other; with a binding where asked for."""
    reports = ["clusterreports", "reports"]
    # A server-side apply of an object that is not there yet is a create (Kubernetes API concepts, "Server-Side Apply").
    return _manifest(
        f"{NAME}-publisher", [_rule(["openreports.io"], reports, "create", "delete", "list", "patch")], "", account
    )


def _manifest(name: str, granted: list[dict[str, Any]], namespace: str, account: str) -> str:
    kind = "Role" if namespace else "ClusterRole"
    place = {"namespace": namespace} if namespace else {}
    api = "rbac.authorization.k8s.io"
    role: dict[str, Any] = {
        "apiVersion": f"{api}/v1", "kind": kind, "metadata": {"name": name, **place}, "rules": granted,
    }  # fmt: skip
    documents = [role]
    if account:
        space, _, account_name = account.rpartition("/")
        subject = {"kind": "ServiceAccount", "name": account_name, "namespace": space or namespace or "default"}
        documents.append(
            {
                "apiVersion": f"{api}/v1", "kind": f"{kind}Binding", "metadata": {"name": name, **place},
                "roleRef": {"apiGroup": api, "kind": kind, "name": name}, "subjects": [subject],
            }
        )  # fmt: skip
    return yaml.safe_dump_all(documents, sort_keys=False)

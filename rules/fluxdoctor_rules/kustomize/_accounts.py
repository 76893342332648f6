"""Service accounts and the bindings that have them as subjects."""

import re

from fluxdoctor import Cluster, Ref, Resource

USER = r'[Uu]ser "system:serviceaccount:(?P<namespace>[^:"]+):(?P<account>[^"]+)"'
CANNOT = re.compile(
    USER + r' cannot (?P<verb>[\w*]+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<within>[^"]+)"| (?P<scope>at the cluster scope))?'
)


def bindings(cluster: Cluster, account: Ref) -> tuple[tuple[Resource, str], ...]:
    """Return the bindings with a subject of this name, and the wrong namespace of the subject ("" if it is correct)."""
    matches = []
    for binding in cluster.all("ClusterRoleBinding", "RoleBinding"):
        for row in binding.rows("subjects"):
            if row.text("kind") == "ServiceAccount" and row.text("name") == account.name:
                namespace = row.text("namespace") or binding.namespace
                matches.append((binding, "" if namespace == account.namespace else namespace))
    return tuple(matches)


def hint(cluster: Cluster, account: Ref) -> str:
    """Return a hint about what is wrong with the bindings of an account, or "" if it is not visible.

    A RoleBinding in another namespace whose subject is an account of that namespace is correct, so it is ignored.
    """
    matches = bindings(cluster, account)
    correct = [b.ref for b, wrong_namespace in matches if not wrong_namespace]
    for binding, wrong_namespace in matches:
        if wrong_namespace and not correct and wrong_namespace != binding.namespace:
            return f"; {binding.ref} binds {account.name} in namespace {wrong_namespace}, not in {account.namespace}"
    if correct:
        verb = "does" if len(correct) == 1 else "do"
        return f"; {', '.join(map(str, correct[:3]))} {verb} not grant this permission"
    is_complete = cluster.saw_all("ClusterRoleBinding") and cluster.saw_all("RoleBinding")
    return "; no binding has this account as a subject" if is_complete else ""

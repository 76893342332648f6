"""Service accounts and the bindings that name them."""

import re

from fluxdoctor import Cluster, Ref, Resource

USER = r'[Uu]ser "system:serviceaccount:(?P<namespace>[^:"]+):(?P<account>[^"]+)"'
CANNOT = re.compile(
    USER + r' cannot (?P<verb>[\w*]+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<within>[^"]+)"| (?P<scope>at the cluster scope))?'
)


def bindings(cluster: Cluster, account: Ref) -> tuple[tuple[Resource, str], ...]:
    """Return the bindings that name an account, and the namespace that each gives it ("" for a right one)."""
    found = []
    for binding in cluster.all("ClusterRoleBinding", "RoleBinding"):
        for row in binding.rows("subjects"):
            if row.text("kind") == "ServiceAccount" and row.text("name") == account.name:
                namespace = row.text("namespace") or binding.namespace
                found.append((binding, "" if namespace == account.namespace else namespace))
    return tuple(found)


def hint(cluster: Cluster, account: Ref) -> str:
    """Say what is wrong with the bindings of an account, as far as they can be seen.

    A RoleBinding of another namespace that binds an account of its own is meant for that one.
    """
    found = bindings(cluster, account)
    right = [b.ref for b, wrong in found if not wrong]
    for binding, wrong in found:
        if wrong and not right and wrong != binding.namespace:
            return f"; {binding.ref} binds {account.name} of namespace {wrong or '(none)'}, not of {account.namespace}"
    if right:
        return f"; what {', '.join(map(str, right[:3]))} grants does not hold it"
    seen = cluster.saw_all("ClusterRoleBinding") and cluster.saw_all("RoleBinding")
    return "; no binding names this account" if seen else ""

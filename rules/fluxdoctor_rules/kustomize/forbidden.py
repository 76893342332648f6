"""The service account that a Kustomization applies with lacks a right."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Ref
from fluxdoctor_rules.kustomize import _accounts, _said


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Find the binding that should grant it: one that names the account in another namespace is a frequent mistake."""
    for failure, found, proof in _said.refused(failures, "forbidden", _accounts.CANNOT):
        account = Ref("ServiceAccount", found["namespace"], found["account"])
        own = failure.resource.text("spec.serviceAccountName") == account.name
        absent = cluster.look(account).absent
        if own and absent:
            continue  # another rule says that the account is not there
        binding = "; it does not exist" if absent else _accounts.hint(cluster, account)
        yield Problem(
            failure.ref,
            {
                "account": account.named,
                "verb": found["verb"],
                "resource": f"{found['resource']}.{found['group']}" if found["group"] else found["resource"],
                "where": f" in namespace {found['within']}" if found["within"] else "",
                "binding": binding,
            },
            evidence=(proof,),
            field="spec.serviceAccountName" if own else "",
            confidence=Confidence.PROVEN if binding else Confidence.REPORTED,
        )

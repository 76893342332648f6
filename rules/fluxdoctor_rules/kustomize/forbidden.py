"""The service account of a Kustomization is not allowed to apply its objects."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Ref
from fluxdoctor_rules.kustomize import _accounts, _apply_errors


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Report the denied request and the binding that should allow it; a wrong namespace in its subject is a common mistake."""
    for failure, match, proof in _apply_errors.refused(failures, "forbidden", _accounts.CANNOT):
        account = Ref("ServiceAccount", match["namespace"], match["account"])
        is_named = failure.resource.text("spec.serviceAccountName") == account.name
        is_absent = cluster.look(account).absent
        if is_named and is_absent:
            continue  # kustomize/serviceaccount-missing reports this account
        binding = "; the account does not exist" if is_absent else _accounts.hint(cluster, account)
        yield Problem(
            failure.ref,
            {
                "account": str(account),
                "verb": match["verb"],
                "resource": f"{match['resource']}.{match['group']}" if match["group"] else match["resource"],
                "where": f" in namespace {match['within']}" if match["within"] else "",
                "binding": binding,
            },
            evidence=(proof,),
            field="spec.serviceAccountName" if is_named else "",
            confidence=Confidence.PROVEN if binding else Confidence.REPORTED,
        )

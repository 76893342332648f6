"""A server certificate signed by an authority that source-controller does not trust."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Resource
from fluxdoctor_rules.source._messages import failing_with
from fluxdoctor_rules.source._secrets import has_any_value, key_list, secret_of

#: The field whose Secret contains the certificate of the authority, by kind.
_FIELDS = {
    "Bucket": "spec.certSecretRef",
    "GitRepository": "spec.secretRef",
    "HelmRepository": "spec.certSecretRef",
    "ImageRepository": "spec.certSecretRef",
    "OCIRepository": "spec.certSecretRef",
}
_MESSAGE = re.compile(r"\A(?P<before>.*)x509: certificate signed by unknown authority", re.S)
_URL = re.compile(r"(?:https?|ssh|oci)://(?:[^/@\s\"']*+@)?(?P<host>[^/\s\"']++)")


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Report whether the object has the certificate of an authority, and which field sets it."""
    for resource, match in failing_with(failures, _MESSAGE, *_FIELDS):
        field = _FIELDS[resource.kind]
        if "proxyconnect" in match.string:
            continue
        hosts = _URL.findall(match["before"])
        host = (hosts[-1] if hosts else "") or resource.text("spec.url") or resource.text("spec.endpoint")
        facts = {"host": host, "trust": _trust(cluster, resource, field), "reference": field}
        yield Problem(resource.ref, facts, field=field, shared=host, confidence=Confidence.REPORTED)


def _trust(cluster: Cluster, resource: Resource, field: str) -> str:
    lookup = secret_of(cluster, resource, field)
    if lookup is None:
        return f": {field} is not set"
    secret = lookup.resource
    if secret is None:
        return ""
    if has_any_value(secret, "ca.crt", "caFile"):
        return f": ca.crt in {secret.ref} is the certificate of another authority"
    return f": {secret.ref} has no ca.crt ({key_list(secret)})"

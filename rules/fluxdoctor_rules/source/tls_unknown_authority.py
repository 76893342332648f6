"""A server's certificate is signed by an authority that source-controller does not know."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Resource

from ._said import saying
from ._secrets import any_filled, held, referred

#: Where a kind's own authority is read from.
_FIELDS = {
    "Bucket": "spec.certSecretRef",
    "GitRepository": "spec.secretRef",
    "HelmRepository": "spec.certSecretRef",
    "ImageRepository": "spec.certSecretRef",
    "OCIRepository": "spec.certSecretRef",
}
_SAID = re.compile(
    r"^(?!.*proxyconnect)"
    r"(?:.*(?:https?|ssh|oci)://(?:[^/@\s\"']*@)?(?P<host>[^/\s\"']+))?.*?x509: certificate signed by unknown authority",
    re.S,
)


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Say whether an authority is configured for the object, and where it would have to be."""
    for resource, found in saying(failures, _SAID, *_FIELDS):
        field = _FIELDS[resource.kind]
        host = found["host"] or resource.text("spec.url") or resource.text("spec.endpoint")
        facts = {"host": host, "trust": _trust(cluster, resource, field), "reference": field}
        yield Problem(resource.ref, facts, field=field, shared=host, confidence=Confidence.REPORTED)


def _trust(cluster: Cluster, resource: Resource, field: str) -> str:
    found = referred(cluster, resource, field)
    if found is None:
        return f", and {field} is not set"
    secret = found.resource
    if secret is None:
        return ""
    if any_filled(secret, "ca.crt", "caFile"):
        return f", and ca.crt in Secret {secret.ref.named} is of another authority"
    return f", and Secret {secret.ref.named} has no ca.crt ({held(secret)})"

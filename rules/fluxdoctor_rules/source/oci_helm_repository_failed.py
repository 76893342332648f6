"""A HelmRepository of type oci whose registry fails; it has no status, so only its charts report the error."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Ref, Resource, owner

#: Error of a registry or of the connection to it, the field of the HelmRepository to change, and the remedy.
_ERRORS = (
    (re.compile(r"(?P<why>failed to get credential from [^\n]+)"), "spec.provider",
     "set spec.provider to the cloud of the registry, and use an identity that is allowed to pull."),
    (re.compile(r"(?P<why>server gave HTTP response to HTTPS client)"), "spec.insecure",
     "set spec.insecure to true, or add a certificate to the registry."),
    (re.compile(r"(?P<why>x509: [^\"\n]+)"), "spec.certSecretRef",
     "add the certificate of the authority as ca.crt to a Secret, and set its name in spec.certSecretRef."),
    (re.compile(r"(?P<why>lookup \S+(?: on \S+)?: no such host|dial tcp \S+: connect: connection refused"
                r"|dial tcp \S+: i/o timeout|no route to host|context deadline exceeded)"), "spec.url",
     "fix the host in spec.url, or make the registry reachable from the cluster."),
    (re.compile(r"(?P<why>UNAUTHORIZED[^;\n]*|DENIED[^;\n]*|denied: [^;\n]+|401 Unauthorized|403 Forbidden|status code:? 40[13]"
                r"|no auth config for '[^']+' in the docker-registry Secret)"), "spec.secretRef",
     "set spec.secretRef to a docker-registry Secret for this registry, or set spec.provider."),
)  # fmt: skip


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Attribute the network or login error of a chart to the HelmRepository, which has the field to change."""
    for failure in failures.failed:
        chart = failure.resource
        if chart.kind != "HelmChart" or chart.text("spec.sourceRef.kind") != "HelmRepository":
            continue
        repository = cluster.get(Ref("HelmRepository", chart.namespace, chart.text("spec.sourceRef.name")))
        if repository and repository.text("spec.type") == "oci" and (error := _error(failure.message)):
            yield _problem(repository, chart, *error)


def _error(message: str) -> tuple[str, str, str] | None:
    return next(((m["why"], field, fix) for p, field, fix in _ERRORS if (m := p.search(message))), None)


def _problem(repository: Resource, chart: Resource, why: str, field: str, remedy: str) -> Problem:
    release = owner(chart)
    facts = {"url": repository.text("spec.url"), "why": " ".join(why.split()), "remedy": remedy}
    explains = (chart.ref, release) if release else (chart.ref,)
    shared = f"{repository.ref} {field}"
    return Problem(
        repository.ref, facts, field=field, key=field, explains=explains, shared=shared, confidence=Confidence.REPORTED
    )

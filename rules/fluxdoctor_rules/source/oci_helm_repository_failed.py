"""A HelmRepository of type oci has no status: what its registry answers shows only at the charts that read from it."""

import re
from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Failures, Problem, Ref, Resource, owner

#: What a registry or the way to it says, which field of the HelmRepository it is about, and what to do.
_SORTS = (
    (re.compile(r"(?P<why>failed to get credential from [^\n]+)"), "spec.provider",
     "use the spec.provider of the registry's own cloud, with an identity that may pull."),
    (re.compile(r"(?P<why>server gave HTTP response to HTTPS client)"), "spec.insecure",
     "set spec.insecure to true, or give the registry a certificate."),
    (re.compile(r"(?P<why>x509: [^\"\n]+)"), "spec.certSecretRef",
     "put the authority's certificate as ca.crt into a Secret and name it in spec.certSecretRef."),
    (re.compile(r"(?P<why>lookup \S+(?: on \S+)?: no such host|dial tcp \S+: connect: connection refused"
                r"|dial tcp \S+: i/o timeout|no route to host|context deadline exceeded)"), "spec.url",
     "correct the host in spec.url, or make the registry reachable from the cluster."),
    (re.compile(r"(?P<why>UNAUTHORIZED[^;\n]*|DENIED[^;\n]*|denied: [^;\n]+|401 Unauthorized|403 Forbidden|status code:? 40[13]"
                r"|no auth config for '[^']+' in the docker-registry Secret)"), "spec.secretRef",
     "name a docker-registry Secret for this registry in spec.secretRef, or set spec.provider."),
)  # fmt: skip


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Carry a chart's network or login error to the HelmRepository, where the field to change is."""
    for failure in failures.failed:
        chart = failure.resource
        if chart.kind != "HelmChart" or chart.text("spec.sourceRef.kind") != "HelmRepository":
            continue
        repository = cluster.get(Ref("HelmRepository", chart.namespace, chart.text("spec.sourceRef.name")))
        if repository and repository.text("spec.type") == "oci" and (found := _sort(failure.message)):
            yield _problem(repository, chart, *found)


def _sort(message: str) -> tuple[str, str, str] | None:
    return next(((m["why"], field, fix) for p, field, fix in _SORTS if (m := p.search(message))), None)


def _problem(repository: Resource, chart: Resource, why: str, field: str, remedy: str) -> Problem:
    release = owner(chart)
    facts = {"url": repository.text("spec.url"), "why": " ".join(why.split()), "remedy": remedy}
    explains = (chart.ref, release) if release else (chart.ref,)
    shared = f"{repository.ref} {field}"
    return Problem(
        repository.ref, facts, field=field, key=field, explains=explains, shared=shared, confidence=Confidence.REPORTED
    )

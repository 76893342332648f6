"""What a server answered, and what a controller said of it, are one finding with proof: asked for real, through all the rules."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.sources import bucket, helm, oci
from fluxdoctor.model.chart_indexes import ChartIndexes
from fluxdoctor.model.finding import Confidence
from fluxdoctor.model.oci import OciTags
from fluxdoctor.model.probes import Answer, Probes
from fluxdoctor.model.resource import Ref, Resource
from tests.helpers.sources import reach, secret
from tests.helpers.worlds import condition, rules, world
from tests.servers.helm_repo import answering, dripping, helm_server
from tests.servers.tls import Authority

AUTHORITY = Authority()
CA = {"ca": secret(ca_crt=AUTHORITY.pem), "keys": secret(accesskey="a", secretkey="b")}


def findings(
    kind: str, spec: str, message: str, reason: str = "Failed", per_host: float = 10.0
) -> list[tuple[str, Confidence]]:
    """Ask a failing source, and return the rules that speak of it."""
    objects = (
        f"apiVersion: source.toolkit.fluxcd.io/v1\nkind: {kind}\nmetadata: {{name: acme, namespace: apps}}\n"
        f"spec: {{interval: 10m, {spec}}}\nstatus: {{conditions: [{condition(reason, message)}]}}\n"
    )
    snapshot = world(objects, listed=("HelmRepository", "OCIRepository", "Bucket"))
    found = snapshot.cluster.get(Ref(kind, "apps", "acme"))
    assert isinstance(found, Resource)
    means = reach(CA, per_host=per_host)
    facts: dict[str, Any] = {}
    if kind == "HelmRepository":
        asked: Any = helm.collect([found], {}, means)
        facts["charts"] = ChartIndexes(asked.indexes)
    elif kind == "OCIRepository":
        asked = oci.collect([found], {}, means)
        facts["oci"] = OciTags(asked.tags, asked.manifests, asked.charts)
    else:
        asked = bucket.collect([found], means)
    report = diagnose(dataclasses.replace(snapshot, probes=Probes(asked.probes), **facts), rules())
    return [(f.rule, f.confidence) for f in report.findings if f.severity == "error"]


@contextmanager
def silent() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


INDEX = "failed to fetch Helm repository index: failed to cache index to temporary file: "
GET = INDEX + 'Get "{url}": '
HELM: list[tuple[Callable[[Any], None], str, str]] = [
    (answering(401), INDEX + "failed to fetch {url} : 401 Unauthorized", "source/helm-index-authentication-failed"),
    (answering(403), INDEX + "failed to fetch {url} : 403 Forbidden", "source/helm-index-authentication-failed"),
    (answering(404), INDEX + "failed to fetch {url} : 404 Not Found", "source/helm-index-not-found"),
    (answering(429), INDEX + "failed to fetch {url} : 429 Too Many Requests", "source/rate-limited"),
    (answering(502), INDEX + "failed to fetch {url} : 502 Bad Gateway", "source/server-error"),
    (
        answering(200, b"<html>log in</html>"),
        "failed to load Helm repository from index YAML: failed to load index: error unmarshaling JSON: while decoding JSON: json: "
        "cannot unmarshal string into Go value of type repo.IndexFile",
        "source/helm-index-malformed",
    ),
    (dripping, GET + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "source/timeout"),
]


@pytest.mark.parametrize(("handler", "message", "rule"), HELM)
def test_a_helm_repository(handler: Callable[[Any], None], message: str, rule: str) -> None:
    with helm_server() as server:
        server.odd["/index.yaml"] = handler
        said = message.format(url=server.url("/index.yaml"))
        patience = 0.5 if handler is dripping else 10
        assert findings("HelmRepository", f"url: '{server.url()}'", said, per_host=patience) == [
            (rule, Confidence.PROVEN)
        ]


X509 = GET + "tls: failed to verify certificate: x509: certificate "
CERTIFICATES: list[tuple[Mapping[str, Any], str, str, str]] = [
    ({}, "", "signed by unknown authority", "source/tls-unknown-authority"),
    (
        {"expired": True},
        "ca",
        "has expired or is not yet valid: current time 2026-01-01T11:00:00Z is after 2025-12-31T00:00:00Z",
        "source/tls-certificate-expired",
    ),
    ({"name": "charts.example.com"}, "ca", "is valid for charts.example.com, not 127.0.0.1", "source/tls-wrong-host"),
]


@pytest.mark.parametrize(("certificate", "trust", "said", "rule"), CERTIFICATES)
def test_certificates_of_a_helm_repository(certificate: Mapping[str, Any], trust: str, said: str, rule: str) -> None:
    with helm_server({}, AUTHORITY.server(**certificate)) as server:
        spec = f"url: '{server.url()}'" + (f", certSecretRef: {{name: {trust}}}" if trust else "")
        message = X509.format(url=server.url("/index.yaml")) + said
        assert findings("HelmRepository", spec, message) == [(rule, Confidence.PROVEN)]


def test_hosts_that_do_not_answer() -> None:
    with silent() as port:
        pass
    refused = (
        GET.format(url=f"http://127.0.0.1:{port}/index.yaml")
        + f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    )
    assert findings("HelmRepository", f"url: 'http://127.0.0.1:{port}'", refused) == [
        ("source/connection-refused", Confidence.PROVEN)
    ]
    unknown = (
        GET.format(url="https://charts.invalid/index.yaml")
        + "dial tcp: lookup charts.invalid on 10.96.0.10:53: no such host"
    )
    assert findings("HelmRepository", "url: 'https://charts.invalid'", unknown) == [
        ("source/host-not-resolved", Confidence.PROVEN)
    ]


DIGEST = "sha256:" + "0a" * 32
FAILED = "failed to determine artifact digest: "
OCI: list[tuple[str, int, str, str, str]] = [
    ("tag: 1.0.0", 401, "UNAUTHORIZED", "GET {base}/manifests/1.0.0: UNAUTHORIZED: authentication required", "oci/unauthorized"),
    ("tag: 1.0.0", 404, "NAME_UNKNOWN", "GET {base}/manifests/1.0.0: NAME_UNKNOWN: repository name not known to registry", "oci/repository-not-found"),
    (f"digest: '{DIGEST}'", 404, "MANIFEST_UNKNOWN", f"GET {{base}}/manifests/{DIGEST}: MANIFEST_UNKNOWN: manifest unknown", "oci/digest-not-found"),
    ("tag: v1.0.0", 404, "MANIFEST_UNKNOWN", "GET {base}/manifests/v1.0.0: MANIFEST_UNKNOWN: manifest unknown", "oci/tag-not-found"),
    ("tag: 1.0.0", 429, "TOOMANYREQUESTS", "GET {base}/manifests/1.0.0: TOOMANYREQUESTS: too many requests", "source/rate-limited"),
    ("tag: 1.0.0", 503, "UNAVAILABLE", "GET {base}/manifests/1.0.0: unexpected status code 503 Service Unavailable", "source/server-error"),
]  # fmt: skip


@pytest.mark.parametrize(("ref", "status", "code", "said", "rule"), OCI)
def test_an_oci_repository(ref: str, status: int, code: str, said: str, rule: str) -> None:
    with helm_server({}, AUTHORITY.server()) as server:
        error = answering(status, f'{{"errors": [{{"code": "{code}"}}]}}'.encode())
        known = code == "MANIFEST_UNKNOWN"
        server.odd["/v2/web/tags/list"] = answering(200, b'{"tags": ["1.0.0"]}') if known else error
        reference = ref.partition(" ")[2].strip("'")
        server.odd[f"/v2/web/manifests/{reference}"] = error
        spec = f"url: 'oci://127.0.0.1:{server.port}/web', ref: {{{ref}}}, certSecretRef: {{name: ca}}"
        message = FAILED + said.format(base=server.url("/v2/web"))
        assert findings("OCIRepository", spec, message, "OCIArtifactPullFailed") == [(rule, Confidence.PROVEN)]


def test_a_registry_that_speaks_http() -> None:
    with helm_server() as server:
        said = f'{FAILED}Get "https://127.0.0.1:{server.port}/v2/": http: server gave HTTP response to HTTPS client'
        spec = f"url: 'oci://127.0.0.1:{server.port}/web', ref: {{tag: 1.0.0}}"
        assert findings("OCIRepository", spec, said, "OCIArtifactPullFailed") == [
            ("oci/http-registry", Confidence.PROVEN)
        ]


BUCKETS = [
    (403, "AccessDenied", "indexation of objects from bucket 'fleet' failed: listing objects from bucket 'fleet' failed: Access Denied", "source/bucket-access-denied"),
    (404, "NoSuchBucket", "bucket 'fleet' not found", "source/bucket-not-found"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "said", "rule"), BUCKETS)
def test_a_bucket(status: int, code: str, said: str, rule: str) -> None:
    with helm_server() as server:
        server.odd["/fleet"] = answering(status, f"<Error><Code>{code}</Code></Error>".encode())
        spec = f"endpoint: '127.0.0.1:{server.port}', bucketName: fleet, insecure: true, secretRef: {{name: keys}}"
        assert findings("Bucket", spec, said, "BucketOperationFailed") == [(rule, Confidence.PROVEN)]


#: What source-controller says of a host that gives no answer, by class (Go 1.26's net and crypto/tls).
NO_ANSWER: dict[Answer, tuple[str, str]] = {
    Answer.DNS: ("dial tcp: lookup {host} on 10.96.0.10:53: no such host", "source/host-not-resolved"),
    Answer.REFUSED: ("dial tcp 127.0.0.1:{port}: connect: connection refused", "source/connection-refused"),
    Answer.TIMEOUT: ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "source/timeout"),
    Answer.TLS_UNKNOWN_CA: (
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "source/tls-unknown-authority",
    ),
    Answer.TLS_EXPIRED: (
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: "
        "current time 2026-01-01T11:00:00Z is after 2025-12-31T00:00:00Z",
        "source/tls-certificate-expired",
    ),
    Answer.TLS_WRONG_NAME: (
        "tls: failed to verify certificate: x509: certificate is valid for charts.example.com, not 127.0.0.1",
        "source/tls-wrong-host",
    ),
}
#: By kind: the spec, and the message around the cause.
SOURCES = {
    "HelmRepository": ("url: 'https://{at}'{trust}", INDEX + 'Get "https://{at}/index.yaml": {cause}'),
    "OCIRepository": ("url: 'oci://{at}/web', ref: {{tag: 1.0.0}}{trust}", FAILED + 'Get "https://{at}/v2/": {cause}'),
    "Bucket": (
        "endpoint: '{at}', bucketName: fleet, secretRef: {{name: keys}}{trust}",
        "failed to confirm existence of 'fleet' bucket: Get \"https://{at}/fleet/?location=\": {cause}",
    ),
}


@contextmanager
def unanswering(answer: Answer) -> Iterator[str]:
    """Run what gives this class of answer; yield its host and port."""
    if answer is Answer.DNS:
        yield "source.invalid"
    elif answer is Answer.REFUSED:
        with silent() as port:
            pass
        yield f"127.0.0.1:{port}"
    elif answer is Answer.TIMEOUT:
        with silent() as port:
            yield f"127.0.0.1:{port}"
    else:
        odd = {"expired": answer is Answer.TLS_EXPIRED}
        name = "charts.example.com" if answer is Answer.TLS_WRONG_NAME else "127.0.0.1"
        with helm_server({}, AUTHORITY.server(name, **odd)) as server:
            yield f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("answer", NO_ANSWER)
def test_a_host_that_gives_no_answer(answer: Answer, kind: str) -> None:
    cause, rule = NO_ANSWER[answer]
    spec, message = SOURCES[kind]
    trust = ", certSecretRef: {name: ca}" if answer in (Answer.TLS_EXPIRED, Answer.TLS_WRONG_NAME) else ""
    with unanswering(answer) as at:
        host, _, port = at.partition(":")
        said = message.format(at=at, cause=cause.format(host=host, port=port))
        patience = 0.5 if answer is Answer.TIMEOUT else 10
        told = findings(kind, spec.format(at=at, trust=trust), said, per_host=patience)
    assert told == [(rule, Confidence.PROVEN)]


def test_a_server_that_serves_us_is_no_proof_against_it() -> None:
    """Each class of OK: what the controller says stays reported, for from here all is well."""
    with helm_server({"/index.yaml": b"apiVersion: v1\nentries: {}\n"}, AUTHORITY.server()) as server:
        server.odd["/v2/web/tags/list"] = answering(200, b'{"tags": ["1.0.0"]}')
        server.odd["/v2/web/manifests/1.0.0"] = answering(200, b'{"schemaVersion": 2, "layers": []}')
        server.odd["/fleet"] = answering(200, b"<ListBucketResult><Name>fleet</Name></ListBucketResult>")
        at = f"127.0.0.1:{server.port}"
        told = {}
        for kind, (spec, message) in SOURCES.items():
            cause = f"dial tcp {at}: connect: connection refused"
            written = spec.format(at=at, trust=", certSecretRef: {name: ca}")
            told[kind] = findings(kind, written, message.format(at=at, cause=cause))
    assert told == {kind: [("source/connection-refused", Confidence.REPORTED)] for kind in SOURCES}

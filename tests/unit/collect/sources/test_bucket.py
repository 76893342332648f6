"""How buckets answer: a real S3 server (moto) that checks every signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.collect.sources import bucket
from fluxdoctor.model.probes import Answer, Probe
from tests.helpers.sources import TAKEN, reach, secret, source
from tests.servers.helm_repo import answering, helm_server
from tests.servers.proxy import http_proxy
from tests.servers.s3 import S3, s3_server
from tests.servers.tls import Authority


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as running:
        yield running


def probe(means: ProbeContext, endpoint: str, **spec: Any) -> Probe:
    given = {"endpoint": endpoint, "bucketName": "fleet", "insecure": True, "secretRef": {"name": "keys"}, **spec}
    made = source("Bucket", "fleet", {k: v for k, v in given.items() if v is not None})
    return bucket.collect([made], means).probes[made.ref]


def keys(s3: S3, **changed: str) -> dict[str, Any]:
    return {"keys": secret(**{"accesskey": s3.access_key, "secretkey": s3.secret_key, **changed})}


def test_a_bucket_is_listed_with_a_signature_that_holds(s3: S3) -> None:
    target = f"http://{s3.endpoint}/fleet"
    ok = Probe(target, Answer.OK, "the bucket can be listed", TAKEN)
    assert probe(reach(keys(s3)), s3.endpoint) == ok
    assert probe(reach(keys(s3)), s3.endpoint, prefix="apps/ä b", region="us-east-1") == ok


def test_keys_that_are_wrong_and_buckets_that_are_not_there(s3: S3) -> None:
    wrong = probe(reach(keys(s3, secretkey="canary-s3cr3t")), s3.endpoint)
    unknown = probe(reach(keys(s3, accesskey="AKIAnobody")), s3.endpoint)
    gone = probe(reach(keys(s3)), s3.endpoint, bucketName="gone")
    assert [(p.answer, p.detail) for p in (wrong, unknown, gone)] == [
        (Answer.AUTHENTICATION, f"{s3.endpoint}: the secret key is wrong"),
        (Answer.AUTHENTICATION, f"{s3.endpoint}: the access key does not exist"),
        (Answer.NOT_FOUND, f"{s3.endpoint}: the bucket does not exist"),
    ]
    assert "canary" not in repr((wrong, unknown))


def test_a_bucket_goes_through_its_proxy(s3: S3) -> None:
    with http_proxy("me:pass") as proxy:
        way = {"way": secret(address=proxy.address, username="me", password="pass")}
        through = probe(reach(keys(s3) | way), s3.endpoint, proxySecretRef={"name": "way"})
        lost = probe(
            reach(keys(s3) | {"way": secret(address=proxy.address)}), s3.endpoint, proxySecretRef={"name": "way"}
        )
    gone = probe(reach(keys(s3) | way), s3.endpoint, proxySecretRef={"name": "way"})
    assert (through.answer, lost.answer, gone.answer) == (Answer.OK, Answer.PROXY, Answer.PROXY)
    assert proxy.requests == [f"GET http://{s3.endpoint}/fleet?list-type=2&max-keys=1"] * 2


UNTRIED = [
    ({"provider": "aws"}, Answer.UNKNOWN, "the controller logs in with provider aws, which fluxdoctor cannot use"),
    ({"provider": "azure"}, Answer.UNKNOWN, "the controller logs in with provider azure, which fluxdoctor cannot use"),
    ({"sts": {"provider": "ldap"}}, Answer.UNKNOWN, "the controller logs in through spec.sts, which fluxdoctor does not support"),
    ({"secretRef": {"name": "gone"}}, Answer.UNKNOWN, "Secret/apps/gone was not read"),
    ({"secretRef": {"name": "half"}}, Answer.UNKNOWN, "the Secret has no secretkey, so the controller rejects it"),
    ({"proxySecretRef": {"name": "half"}}, Answer.PROXY, "the Secret of spec.proxySecretRef has no address"),
    ({"proxySecretRef": {"name": "socks"}}, Answer.UNKNOWN, "fluxdoctor supports only http proxies"),
    ({"endpoint": "s3.test/path"}, Answer.NOT_CONTACTED, "spec.endpoint must be a host without a path or user"),
    ({"endpoint": "169.254.169.254"}, Answer.NOT_CONTACTED, "169.254.169.254 is a link-local address (used by cloud metadata services): contacted only with --allow-local"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "answer", "says"), UNTRIED)
def test_what_cannot_be_tried_is_said(spec: dict[str, Any], answer: Answer, says: str) -> None:
    secrets = {
        "keys": secret(accesskey="a", secretkey="b"),
        "half": secret(accesskey="a"),
        "socks": secret(address="socks5://127.0.0.1:1080"),
    }
    found = probe(reach(secrets, local=False), spec.pop("endpoint", "s3.test"), **spec)
    assert (found.answer, found.detail) == (answer, says)


def test_other_servers_and_other_certificates() -> None:
    authority = Authority()
    with helm_server({}, authority.server()) as server:
        server.odd["/fleet"] = answering(200, b"<html>welcome</html>")
        server.odd["/slow"] = answering(503, b"<Error><Code>SlowDown</Code></Error>")
        server.odd["/mine"] = answering(403, b"<Error><Code>AccessDenied</Code></Error>")
        trusting = {"keys": secret(accesskey="a", secretkey="b"), "ca": secret(ca_crt=authority.pem)}
        endpoint = f"127.0.0.1:{server.port}"
        strange = probe(reach(trusting), endpoint, insecure=False)
        page = probe(reach(trusting), endpoint, insecure=False, certSecretRef={"name": "ca"})
        denied = probe(
            reach(trusting), endpoint, insecure=False, certSecretRef={"name": "ca"}, secretRef=None, bucketName="mine"
        )
        slow = probe(reach(trusting), endpoint, insecure=False, certSecretRef={"name": "ca"}, bucketName="slow")
    assert (strange.target, strange.answer) == (f"https://{endpoint}/fleet", Answer.TLS_UNKNOWN_CA)
    assert (page.answer, page.detail) == (Answer.MALFORMED, f"{endpoint} does not answer like S3")
    assert (denied.answer, denied.detail) == (Answer.AUTHENTICATION, f"{endpoint}: access denied")
    assert (slow.answer, slow.detail) == (Answer.RATE_LIMITED, f"{endpoint}: too many requests")


def test_a_bucket_in_another_region_is_found() -> None:
    moved = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"
    with helm_server() as server:
        server.odd["/fleet"] = answering(400, moved)
        probe(reach({"keys": secret(accesskey="a", secretkey="b")}), f"127.0.0.1:{server.port}")
        scopes = [headers["authorization"].split("/")[2] for _, headers in server.requests]
    assert scopes == ["us-east-1", "eu-west-1"]

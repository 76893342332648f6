"""How registries answer: Debian's docker-registry with and without TLS and logins, and a server of faults for the rest."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from fluxdoctor.collect.probe_context import ProbeContext, probe_reason
from fluxdoctor.collect.sources import helm, oci
from fluxdoctor.intake.vault import SecretData
from fluxdoctor.model.oci import OciLayer
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.resource import Ref
from tests.helpers.gaps import gap
from tests.helpers.sources import TAKEN, reach, secret, source
from tests.servers.helm_repo import answering, helm_server, package
from tests.servers.registry import (
    FLUX_CONFIG,
    FLUX_LAYER,
    HELM_CONFIG,
    HELM_LAYER,
    MANIFEST,
    Registry,
    Tokens,
    registry,
)
from tests.servers.tls import Authority

REF = Ref("OCIRepository", "apps", "web")
LOGIN = "deploy:s3cr3t-canary"


@pytest.fixture(scope="module")
def plain() -> Iterator[Registry]:
    """A registry over http, open to all."""
    with registry() as running:
        for version in ("1.0.0", "1.1.0", "2.0.0-rc.1", "latest-dev"):
            running.push(
                "acme/web",
                version,
                version.encode(),
                annotations={"org.opencontainers.image.source": "https://git.test/web"},
            )
        running.push("charts/podinfo", "6.5.0", config_type=HELM_CONFIG, layer_type=HELM_LAYER)
        running.push("charts/podinfo", "6.5.1_build1", config_type=HELM_CONFIG, layer_type=HELM_LAYER)
        yield running


@pytest.fixture(scope="module")
def secure() -> Iterator[Registry]:
    """A registry over TLS of a private authority, with a login."""
    with registry(LOGIN, Authority()) as running:
        running.push("acme/web", "1.0.0")
        yield running


def config(host: str, login: str = LOGIN, **more: str) -> SecretData:
    auth = {"auth": base64.b64encode(login.encode()).decode(), **more}
    return secret("kubernetes.io/dockerconfigjson", _dockerconfigjson=json.dumps({"auths": {host: auth}}))


def ask(means: ProbeContext, url: str, **spec: Any) -> oci.OciResults:
    return oci.collect([source("OCIRepository", "web", {"url": url, **spec})], {}, means)


def probe(means: ProbeContext, url: str, **spec: Any) -> tuple[Answer, str]:
    found = ask(means, url, **spec).probes[REF]
    return found.answer, found.detail


def test_tags_and_the_manifest_of_the_tag(plain: Registry) -> None:
    found = ask(reach(), f"oci://{plain.host}/acme/web", insecure=True, ref={"tag": "1.0.0"})
    manifest = found.manifests[REF]["1.0.0"]
    assert found.probes == {REF: Probe(f"oci://{plain.host}/acme/web", Answer.OK, f"1.0.0 is {manifest.digest}", TAKEN)}
    assert sorted(found.tags[REF]) == ["1.0.0", "1.1.0", "2.0.0-rc.1", "latest-dev"]
    assert (manifest.media_type, manifest.config_media_type) == (MANIFEST, FLUX_CONFIG)
    assert manifest.annotations == {"org.opencontainers.image.source": "https://git.test/web"}
    assert [(one.media_type, one.size) for one in manifest.layers] == [(FLUX_LAYER, 5)]
    assert isinstance(manifest.layers[0], OciLayer)
    assert manifest.signatures is None


REFERENCES: list[tuple[Mapping[str, str], str, str]] = [
    ({"semver": "1.x"}, "1.1.0", ""),
    ({"semver": ">=1.0.0-0"}, "2.0.0-rc.1", ""),
    ({"semver": "*", "semverFilter": "^1\\.0"}, "1.0.0", ""),
    ({"semver": "1.x", "tag": "latest-dev"}, "1.1.0", ""),
    ({"semver": "3.x"}, "", "4 tags, none in the range"),
]


@pytest.mark.parametrize(("ref", "chosen", "says"), REFERENCES)
def test_a_range_takes_the_tag_that_the_controller_takes(
    plain: Registry, ref: Mapping[str, str], chosen: str, says: str
) -> None:
    found = ask(reach(), f"oci://{plain.host}/acme/web", insecure=True, ref=ref)
    assert list(found.manifests.get(REF, {})) == ([chosen] if chosen else [])
    assert found.probes[REF].answer is Answer.OK
    assert found.probes[REF].detail.startswith(says or f"{chosen} is sha256:")


def test_a_digest_wins_and_what_is_not_there_is_told_apart(plain: Registry) -> None:
    url = f"oci://{plain.host}/acme/web"
    digest = ask(reach(), url, insecure=True, ref={"tag": "1.0.0"}).manifests[REF]["1.0.0"].digest
    assert list(ask(reach(), url, insecure=True, ref={"digest": digest, "tag": "no"}).manifests[REF]) == [digest]
    gone, says = "sha256:" + "0" * 64, f"{plain.host} answers 404 Not Found"
    assert probe(reach(), url, insecure=True, ref={"digest": gone}) == (Answer.NOT_FOUND, f"{says} (MANIFEST_UNKNOWN)")
    assert probe(reach(), url, insecure=True, ref={"tag": "v1.0.0"}) == (Answer.NOT_FOUND, f"{says} (MANIFEST_UNKNOWN)")
    assert probe(reach(), url, insecure=True) == (Answer.NOT_FOUND, f"{says} (MANIFEST_UNKNOWN)")
    missing = ask(reach(), f"oci://{plain.host}/acme/gone", insecure=True, ref={"semver": "1.x"})
    assert (missing.probes[REF].answer, missing.probes[REF].detail) == (Answer.NOT_FOUND, f"{says} (NAME_UNKNOWN)")
    assert missing.tags == {}


def test_signatures_are_looked_for_where_they_are_wanted(plain: Registry) -> None:
    url, wanted = (
        f"oci://{plain.host}/signed",
        {"insecure": True, "ref": {"tag": "1"}, "verify": {"provider": "cosign"}},
    )
    digest = plain.push("signed", "1")
    unsigned = ask(reach(), url, **wanted).manifests[REF]["1"].signatures
    plain.push("signed", f"{digest.replace(':', '-')}.sig", b"signature")
    by_tag = ask(reach(), url, **wanted).manifests[REF]["1"].signatures
    kind = "application/vnd.cncf.notary.signature"
    own = plain.push("signed", "notation", artifact_type=kind)
    row = {"mediaType": MANIFEST, "digest": own, "size": 1, "artifactType": kind}
    plain.index("signed", digest.replace(":", "-"), [row])
    both = ask(reach(), url, **wanted).manifests[REF]["1"].signatures
    assert (unsigned, by_tag, both) == ((), ("cosign tag",), ("cosign tag", kind))


def test_charts_of_a_helm_repository(plain: Registry) -> None:
    repository = source(
        "HelmRepository", "acme", {"type": "oci", "url": f"oci://{plain.host}/charts", "insecure": True}
    )
    found = oci.collect([repository], {repository.ref: frozenset({"podinfo"})}, reach())
    lacking = oci.collect([repository], {repository.ref: frozenset({"podinfo", "nginx"})}, reach())
    alone = oci.collect([repository], {}, reach())

    assert {k: sorted(v) for k, v in found.charts[repository.ref].items()} == {"podinfo": ["6.5.0", "6.5.1_build1"]}
    assert lacking.charts == found.charts
    answers = [(p.answer, p.detail) for f in (found, lacking, alone) for p in f.probes.values()]
    assert answers == [
        (Answer.OK, "1 chart"),
        (Answer.NOT_FOUND, f"{plain.host} answers 404 Not Found (NAME_UNKNOWN)"),
        (Answer.OK, "the registry answers; no chart was requested"),
    ]


def test_a_chart_is_pulled(plain: Registry) -> None:
    chart = package("web", "2.1.0+b7", {"values.yaml": "replicas: 1\n"})
    plain.push("charts/web", "2.1.0_b7", chart, config_type=HELM_CONFIG, layer_type=HELM_LAYER)
    plain.push("charts/web", "1.0.0", chart)
    spec = {"type": "oci", "url": f"oci://{plain.host}/charts", "insecure": True}
    repository = source("HelmRepository", "acme", spec)
    wanted = [(repository.ref, "web", version) for version in ("2.1.0+b7", "1.0.0", "3.0.0")]
    found = oci.collect([repository], {repository.ref: frozenset({"web"})}, reach(), archives=wanted)
    assert {which: made.values for which, made in found.archives.items()} == {
        (repository.ref, "web", "2.1.0+b7"): {"replicas": 1}
    }
    path = "helm/apps/acme/charts/web"
    assert found.gaps == (
        gap("unavailable", f"{path}-1.0.0.tgz", "its manifest has no Helm chart layer"),
        gap("unavailable", f"{path}-3.0.0.tgz", f"{plain.host} answers 404 Not Found (MANIFEST_UNKNOWN)"),
    )


def test_the_chart_that_an_oci_repository_is_is_pulled_by_its_revision(plain: Registry) -> None:
    packed = package("shop", "1.0.0", {"values.schema.json": '{"required": ["image"]}'})
    digest = plain.push("charts/shop", "1.0.0", packed, config_type=HELM_CONFIG, layer_type=HELM_LAYER)
    plain.push("charts/shop", "1.1.0", package("shop", "1.1.0", {}), config_type=HELM_CONFIG, layer_type=HELM_LAYER)
    spec = {"url": f"oci://{plain.host}/charts/shop", "insecure": True, "ref": {"semver": "1.x"}}
    repository = source("OCIRepository", "web", spec)
    wanted = (REF, "", f"1.0.0@{digest}")
    found = oci.collect([repository], {}, reach(), archives=[wanted])
    assert {k: (c.version, c.schema) for k, c in found.archives.items()} == {
        wanted: ("1.0.0", '{"required": ["image"]}')
    }
    gone = oci.collect([repository], {}, reach(), archives=[(REF, "", "1.0.0@sha256:" + "0" * 64)])
    assert (gone.archives, gone.gaps) == (
        {},
        (gap("unavailable", "oci/apps/web/chart.tgz", f"{plain.host} answers 404 Not Found (MANIFEST_UNKNOWN)"),),
    )


def test_logins_are_found_in_the_docker_config(secure: Registry) -> None:
    assert secure.authority is not None
    ca, url = secret(ca_crt=secure.authority.pem), f"oci://{secure.host}/acme/web"
    spec = {"ref": {"tag": "1.0.0"}, "certSecretRef": {"name": "ca"}, "secretRef": {"name": "login"}}

    def answer(login: SecretData | None, **more: Any) -> tuple[Answer, str]:
        given = {k: v for k, v in {**spec, **more}.items() if v is not None}
        return probe(reach({"ca": ca, **({"login": login} if login else {})}), url, **given)

    refused = (Answer.AUTHENTICATION, f"{secure.host} answers 401 Unauthorized (UNAUTHORIZED)")
    for host in (
        secure.host,
        f"https://{secure.host}",
        f"https://{secure.host}/v2/",
        f"{secure.host}/acme",
        f"127.*.0.1:{secure.port}",
    ):
        assert answer(config(host))[0] is Answer.OK, host
    for host in ("registry.test", f"{secure.host}/other", "127.0.0.1", "*"):
        assert answer(config(host)) == refused, host
    assert answer(config(secure.host, "deploy:wrong")) == refused
    assert answer(None, secretRef=None) == refused
    assert answer(None) == (Answer.UNKNOWN, "Secret/apps/login was not read")
    assert answer(secret(username="deploy")) == (Answer.UNKNOWN, "the Secret has no .dockerconfigjson")
    assert answer(secret(_dockerconfigjson="{")) == (Answer.UNKNOWN, "the .dockerconfigjson in the Secret is not JSON")
    assert answer(config(secure.host, identitytoken="t"))[0] is Answer.UNKNOWN
    assert answer(config(secure.host), certSecretRef=None)[0] is Answer.TLS_UNKNOWN_CA
    assert answer(config(secure.host), certSecretRef=None, insecure=True)[0] is Answer.OK


def test_the_pull_secrets_of_the_service_account_are_a_login(secure: Registry) -> None:
    assert secure.authority is not None
    ca, url = secret(ca_crt=secure.authority.pem), f"oci://{secure.host}/acme/web"
    spec = {"ref": {"tag": "1.0.0"}, "certSecretRef": {"name": "ca"}, "serviceAccountName": "puller"}
    right, wrong, none = config(secure.host), config(secure.host, "deploy:wrong"), secret(username="deploy")
    held = {"ca": ca, "right": right, "wrong": wrong, "none": none}

    def answer(*names: str, **more: Any) -> tuple[Answer, str]:
        means = reach(held)
        accounts = {("apps", "puller"): names}
        return probe(replace(means, vault=replace(means.vault, accounts=accounts)), url, **spec, **more)

    refused = (Answer.AUTHENTICATION, f"{secure.host} answers 401 Unauthorized (UNAUTHORIZED)")
    assert answer("right")[0] is Answer.OK
    assert answer("none", "right", "wrong")[0] is Answer.OK
    assert answer("right", provider="aws")[0] is Answer.OK
    assert answer("wrong", secretRef={"name": "right"})[0] is Answer.OK
    assert answer("right", secretRef={"name": "wrong"}) == refused
    assert answer("wrong", "right") == refused
    assert answer() == refused
    assert answer(provider="aws")[0] is Answer.UNKNOWN
    assert answer("right", "gone") == (Answer.UNKNOWN, "Secret/apps/gone was not read")
    assert probe(reach(held), url, **spec) == (Answer.UNKNOWN, "ServiceAccount/apps/puller was not read")


def test_a_helm_repository_logs_in_with_a_name_and_a_password(secure: Registry) -> None:
    assert secure.authority is not None
    spec = {
        "type": "oci",
        "url": f"oci://{secure.host}/acme",
        "secretRef": {"name": "login"},
        "certSecretRef": {"name": "ca"},
    }
    repository = source("HelmRepository", "acme", spec)
    wanted = {repository.ref: frozenset({"web"})}

    def answer(login: SecretData) -> tuple[Answer, str]:
        assert secure.authority is not None
        means = reach({"login": login, "ca": secret(ca_crt=secure.authority.pem)})
        found = oci.collect([repository], wanted, means).probes[repository.ref]
        return found.answer, found.detail

    assert answer(secret(username="deploy", password="s3cr3t-canary")) == (Answer.OK, "1 chart")
    assert answer(config(secure.host)) == (Answer.OK, "1 chart")
    assert answer(config("registry.test"))[0] is Answer.UNKNOWN
    assert answer(secret(username="deploy", password="no"))[0] is Answer.AUTHENTICATION


def test_one_registry_is_asked_once_for_all_who_ask_the_same() -> None:
    with helm_server() as server:
        server.odd["/v2/acme/web/tags/list"] = answering(200, b'{"tags": ["1"]}')
        server.odd["/v2/acme/web/manifests/1"] = answering(200, b'{"layers": []}', Content_Type=MANIFEST)
        spec = {"url": f"oci://127.0.0.1:{server.port}/acme/web", "insecure": True, "ref": {"tag": "1"}}
        found = oci.collect([source("OCIRepository", f"web-{i}", spec) for i in range(20)], {}, reach())
    assert {p.answer for p in found.probes.values()} == {Answer.OK}
    assert len(found.probes) == 20
    assert server.paths == ["/v2/acme/web/tags/list?n=1000", "/v2/acme/web/manifests/1"]


def test_http_and_https_are_told_apart(plain: Registry, secure: Registry) -> None:
    says = f"{plain.host}: the server uses plain http, but the request used https"
    assert probe(reach(), f"oci://{plain.host}/acme/web") == (Answer.TLS, says)
    assert probe(reach(), f"oci://{secure.host}/acme/web")[0] is Answer.TLS_UNKNOWN_CA
    repository = source("HelmRepository", "acme", {"url": f"http://{secure.host}"})
    found = helm.collect([repository], {}, reach()).probes[repository.ref]
    assert (found.answer, found.detail) == (Answer.MALFORMED, f"{secure.host} expects https, but the request used http")


def test_a_real_registry_takes_the_token_that_its_realm_makes() -> None:
    with helm_server() as realm:
        tokens = Tokens(realm.url("/token"), Authority())
        with registry(tokens=tokens) as running:
            running.push("acme/web", "1.0.0")
            realm.odd["/token"] = answering(200, json.dumps({"token": tokens.make("acme/web")}).encode())
            right = ask(reach(), f"oci://{running.host}/acme/web", insecure=True, ref={"tag": "1.0.0"})
            realm.odd["/token"] = answering(200, json.dumps({"access_token": tokens.make("acme/other")}).encode())
            other = probe(reach(), f"oci://{running.host}/acme/web", insecure=True, ref={"tag": "1.0.0"})
            realm.odd["/token"] = answering(200, b'{"token": "a\\nb"}')
            odd = probe(reach(), f"oci://{running.host}/acme/web", insecure=True, ref={"tag": "1.0.0"})
    assert (right.probes[REF].answer, right.tags) == (Answer.OK, {REF: ("1.0.0",)})
    assert other == (Answer.AUTHENTICATION, f"{running.host} answers 401 Unauthorized (UNAUTHORIZED)")
    assert odd == (Answer.MALFORMED, f"127.0.0.1:{realm.port} returned no token")
    assert [path for path, _ in realm.requests][:1] == ["/token?scope=repository%3Aacme%2Fweb%3Apull&service=tests"]


def test_a_token_is_fetched_where_the_registry_says_with_the_login() -> None:
    names = {"registry.test": "127.0.0.1", "auth.test": "127.0.0.1"}
    with helm_server() as server:
        realm = f"http://auth.test:{server.port}/token"
        tags = {"/v2/acme/web/tags/list": b'{"tags": ["1"]}', "/v2/acme/web/manifests/1": b'{"layers": []}'}

        def guarded(handler: Any) -> None:
            if handler.headers.get("Authorization") == "Bearer of-the-test":
                return answering(200, tags[handler.path.partition("?")[0]])(handler)
            challenge = f'Bearer realm="{realm}",service="tests",scope="repository:acme/web:pull"'
            return answering(401, b"{}", WWW_Authenticate=challenge)(handler)

        server.odd |= dict.fromkeys(tags, guarded) | {"/token": answering(200, b'{"token": "of-the-test"}')}
        server.odd["/v2/"] = answering(401)
        host = f"registry.test:{server.port}"
        means = reach({"login": config(host)}, names=names, local=False)
        spec = {"ref": {"tag": "1"}, "insecure": True, "secretRef": {"name": "login"}}
        found = probe(means, f"oci://{host}/acme/web", **spec)
        asked = [(path, headers.get("authorization", "")) for path, headers in server.requests]
        server.odd["/token"] = answering(401, b'{"errors": [{"code": "UNAUTHORIZED"}]}')
        refused = probe(means, f"oci://{host}/acme/web", **spec)
        realm = "http://169.254.169.254/token"
        off = probe(means, f"oci://{host}/acme/web", **spec)

    basic = "Basic " + base64.b64encode(LOGIN.encode()).decode()
    assert found[0] is Answer.OK
    assert asked == [
        ("/v2/acme/web/tags/list?n=1000", ""),
        ("/token?scope=repository%3Aacme%2Fweb%3Apull&service=tests", basic),
        ("/v2/acme/web/tags/list?n=1000", "Bearer of-the-test"),
        ("/v2/acme/web/manifests/1", "Bearer of-the-test"),
    ]
    assert refused == (Answer.AUTHENTICATION, f"auth.test:{server.port} answers 401 Unauthorized (UNAUTHORIZED)")
    assert off[0] is Answer.NOT_CONTACTED


def test_many_tags_come_in_pages_and_no_page_leads_elsewhere() -> None:
    with helm_server() as server:

        def pages(handler: Any) -> None:
            last = handler.path.rpartition("last=")[2] if "last=" in handler.path else "0"
            number = int(last) + 1
            link = f'</v2/acme/web/tags/list?n=1000&last={number}>; rel="next"' if number < 4 else ""
            answering(200, json.dumps({"tags": [f"1.{number}.0"]}).encode(), **({"Link": link} if link else {}))(
                handler
            )

        server.odd["/v2/acme/web/tags/list"] = pages
        server.odd["/v2/acme/web/manifests/1.4.0"] = answering(200, b'{"layers": []}')
        server.odd["/v2/evil/tags/list"] = answering(
            200, b'{"tags": []}', Link='<http://elsewhere.test/v2/>; rel="next"'
        )
        server.odd["/v2/loop/tags/list"] = answering(
            200, b'{"tags": ["1"]}', Link='</v2/loop/tags/list?n=1>; rel="next"'
        )
        url, spec = f"oci://127.0.0.1:{server.port}", {"insecure": True, "ref": {"semver": "1.x"}}
        found = ask(reach(), f"{url}/acme/web", **spec)
        evil = probe(reach(), f"{url}/evil", **spec)
        server.requests.clear()
        probe(reach(), f"{url}/loop", **spec)
        loops = sum(path.startswith("/v2/loop/tags") for path in server.paths)
    assert found.tags == {REF: ("1.1.0", "1.2.0", "1.3.0", "1.4.0")}
    assert list(found.manifests[REF]) == ["1.4.0"]
    assert evil == (Answer.MALFORMED, f"127.0.0.1:{server.port} continues the tag list on another host")
    assert loops == 50


FAULTS = [
    (
        answering(429, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}'),
        Answer.RATE_LIMITED,
        "answers 429 Too Many Requests (TOOMANYREQUESTS)",
    ),
    (answering(503), Answer.SERVER_ERROR, "answers 503 Service Unavailable"),
    (answering(200, b"<html>"), Answer.MALFORMED, "does not answer like a registry"),
    (answering(200, b"[" * 100_000), Answer.MALFORMED, "does not answer like a registry"),
    (
        answering(403, b'{"errors": [{"code": "DENIED", "message": "s3cr3t"}]}'),
        Answer.AUTHENTICATION,
        "answers 403 Forbidden (DENIED)",
    ),
]


@pytest.mark.parametrize(("handler", "answer", "says"), FAULTS)
def test_faults_of_a_registry(handler: Any, answer: Answer, says: str) -> None:
    with helm_server() as server:
        server.odd["/v2/acme/web/tags/list"] = handler
        host = f"127.0.0.1:{server.port}"
        found = ask(reach(), f"oci://{host}/acme/web", insecure=True, ref={"semver": "1.x"})
    assert (found.probes[REF].answer, found.probes[REF].detail) == (answer, f"{host} {says}")
    assert found.gaps == (gap(probe_reason(answer), "oci/apps/web.yaml", f"{answer.value}: {host} {says}"),)


UNTRIED: list[tuple[Mapping[str, Any], Answer, str]] = [
    ({"provider": "aws"}, Answer.UNKNOWN, "the controller logs in with provider aws, which fluxdoctor cannot use"),
    ({"provider": "gcp"}, Answer.UNKNOWN, "the controller logs in with provider gcp, which fluxdoctor cannot use"),
    ({"serviceAccountName": "sa"}, Answer.UNKNOWN, "ServiceAccount/apps/sa was not read"),
    ({"url": "https://registry.test/acme"}, Answer.NOT_CONTACTED, "spec.url does not begin with oci://"),
    ({"url": "oci://registry.test/acme/web:1.0.0"}, Answer.NOT_CONTACTED, "spec.url is not oci://<registry>/<repository>"),
    ({"url": "oci://registry.test/../v2"}, Answer.NOT_CONTACTED, "spec.url is not oci://<registry>/<repository>"),
    ({"url": "oci://registry.test/a?b=c"}, Answer.NOT_CONTACTED, "spec.url is not oci://<registry>/<repository>"),
    ({"url": "oci://169.254.169.254/a"}, Answer.NOT_CONTACTED, "169.254.169.254 is a link-local address (used by cloud metadata services): contacted only with --allow-local"),
    ({"url": "oci://nobody.invalid/a"}, Answer.DNS, "nobody.invalid does not resolve"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "answer", "says"), UNTRIED)
def test_what_cannot_be_tried_is_said(spec: Mapping[str, Any], answer: Answer, says: str) -> None:
    given = {"url": "oci://registry.test/acme", **spec}
    assert probe(reach(local=False), given.pop("url"), **given) == (answer, says)

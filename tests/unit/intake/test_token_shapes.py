"""Each shape of a token is masked, and nothing that only begins alike. The samples are made up: none was ever issued."""

from __future__ import annotations

import time

import pytest

from fluxdoctor.intake.redact import Redactor
from fluxdoctor.intake.token_shapes import SHAPES, UNANCHORED

HEX = "0123456789abcdef" * 12
MIX = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0" * 8
UPPER = MIX.upper()

SAMPLES: dict[str, tuple[str, ...]] = {
    "1Password": (f"A3-{UPPER[:6]}-{UPPER[:11]}-{UPPER[:5]}-{UPPER[5:10]}-{UPPER[10:15]}", f"ops_eyJ{MIX[:200]}"),
    "Adobe": (f"p8e-{MIX[:32]}",),
    "age": (f"AGE-SECRET-KEY-1{UPPER[:58]}", f"age-secret-key-1{HEX[:58]}"),
    "Airtable": (f"pat{MIX[:14]}.{HEX[:64]}",),
    "Alibaba": (f"LTAI{MIX[:20]}",),
    "Anthropic": (f"sk-ant-api03-{MIX[:93]}AA", f"sk-ant-admin01-{MIX[:93]}AA"),
    "Artifactory": (f"AKCp{MIX[:69]}", f"cmVmd{MIX[:59]}"),
    "Atlassian": (f"ATATT3{MIX[:186]}", f"ATCTT3{MIX[:60]}", f"ATBB{MIX[:32]}"),
    "AWS": ("AKIA" + UPPER[:16], "ASIA" + UPPER[:16], "ABIA" + UPPER[:16], "ACCA" + UPPER[:16], "A3TX" + UPPER[:16], f"ABSK{MIX[:109]}", f"bedrock-api-key-{MIX[:40]}"),
    "Azure DevOps and Functions": (f"AzFu{MIX[:40]}==",),
    "Bitbucket": (f"BBDC-{MIX[:40]}",),
    "Brevo": (f"xkeysib-{HEX[:64]}-{MIX[:16]}", f"xsmtpsib-{HEX[:64]}-{MIX[:16]}"),
    "ClickHouse": (f"4b1d{MIX[:38]}",),
    "Clojars": (f"CLOJARS_{HEX[:60]}",),
    "Cloudflare": (f"v1.0-{HEX[:24]}-{HEX[:146]}",),
    "Databricks": (f"dapi{HEX[:32]}",),
    "Defined Networking": (f"dnkey-{MIX[:26]}-{MIX[:52]}",),
    "DigitalOcean": (f"dop_v1_{HEX[:64]}", f"doo_v1_{HEX[:64]}", f"dor_v1_{HEX[:64]}"),
    "Docker": (f"dckr_pat_{MIX[:27]}", f"dckr_oat_{MIX[:27]}"),
    "Doppler": (f"dp.pt.{MIX[:43]}", f"dp.st.prod.{MIX[:43]}"),
    "Duffel": (f"duffel_live_{MIX[:43]}",),
    "Dynatrace": (f"dt0c01.{UPPER[:24]}.{UPPER[:64]}",),
    "EasyPost": (f"EZAK{MIX[:54]}", f"EZTK{MIX[:54]}"),
    "Facebook": (f"EAAM{MIX[:110]}",),
    "Flutterwave": (f"FLWSECK_TEST-{HEX[:32]}-X", f"FLWSECK-{HEX[:32]}-X"),
    "Fly.io": (f"fo1_{MIX[:43]}", f"fm1r_{MIX[:100]}", f"fm2_{MIX[:100]}"),
    "Frame.io": (f"fio-u-{MIX[:64]}",),
    "GitHub": (*(f"gh{kind}_{MIX[:36]}" for kind in "pousr"), f"github_pat_{MIX[:22]}_{MIX[:59]}"),
    "GitLab": (
        *(f"gl{kind}-{MIX[:20]}" for kind in ("pat", "dt", "rt", "ptt", "cbt", "ffct", "ft", "imt", "agent", "oas", "soat")),
        f"GR1348941{MIX[:20]}", f"_gitlab_session={HEX[:32]}", f"glpat-{MIX[:27]}.0a.0123456ab",
    ),
    "Google": (f"AIza{MIX[:35]}", f"ya29.{MIX[:60]}", f"GOCSPX-{MIX[:28]}"),
    "Grafana": (f"glc_{MIX[:60]}", f"glsa_{MIX[:32]}_{HEX[:8]}", f"eyJrIjoi{MIX[:80]}"),
    "Harness": (f"pat.{MIX[:22]}.{MIX[:24]}.{MIX[:20]}", f"sat.{MIX[:22]}.{MIX[:24]}.{MIX[:20]}"),
    "Heroku": (f"HRKU-AA{MIX[:58]}",),
    "Hugging Face": (f"hf_{MIX[:34]}", f"api_org_{MIX[:34]}"),
    "Infracost": (f"ico-{MIX[:32]}",),
    "Intra42": (f"s-s4t2ud-{HEX[:64]}", f"s-s4t2af-{HEX[:64]}"),
    "JSON web token": (f"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlIn0.{MIX[:40]}", f"ZXlKaGJHY2lPaUpTVXpJMU5pSXNJbXRwWkNJNklpSjku{MIX[:60]}"),
    "Linear": (f"lin_api_{MIX[:40]}", f"lin_oauth_{MIX[:40]}"),
    "Mailgun": (f"key-{HEX[:32]}", f"pubkey-{HEX[:32]}"),
    "New Relic": (f"NRAK-{UPPER[:27]}", f"NRII-{MIX[:32]}", f"NRJS-{HEX[:19]}"),
    "Notion": (f"ntn_12345678901{MIX[:35]}",),
    "npm": (f"npm_{MIX[:36]}",),
    "Octopus": (f"API-{UPPER[:26]}",),
    "OpenAI": (f"sk-proj-{MIX[:74]}T3BlbkFJ{MIX[:74]}", f"sk-svcacct-{MIX[:58]}", f"sk-admin-{MIX[:58]}", f"sk-{MIX[:20]}T3BlbkFJ{MIX[:20]}"),
    "OpenShift": (f"sha256~{MIX[:43]}",),
    "Perplexity": (f"pplx-{MIX[:48]}",),
    "PlanetScale": (f"pscale_tkn_{MIX[:43]}", f"pscale_oauth_{MIX[:43]}", f"pscale_pw_{MIX[:43]}"),
    "Postman": (f"PMAK-{HEX[:24]}-{HEX[:34]}",),
    "Prefect": (f"pnu_{MIX[:36]}",),
    "Pulumi": (f"pul-{HEX[:40]}",),
    "PyPI": (f"pypi-AgEIcHlwaS5vcmc{MIX[:70]}",),
    "ReadMe": (f"rdme_{HEX[:70]}",),
    "RubyGems": (f"rubygems_{HEX[:48]}",),
    "Scalingo": (f"tk-us-{MIX[:48]}",),
    "SendGrid": (f"SG.{MIX[:22]}.{MIX[:43]}",),
    "Sentry": (f"sntryu_{HEX[:64]}", f"sntrys_eyJpYXQiO{MIX[:80]}_{MIX[:43]}"),
    "SettleMint": (f"sm_aat_{MIX[:16]}", f"sm_pat_{MIX[:16]}", f"sm_sat_{MIX[:16]}"),
    "Shippo": (f"shippo_live_{HEX[:40]}",),
    "Shopify": (*(f"shp{kind}_{HEX[:32]}" for kind in ("at", "ca", "pa", "ss")),),
    "Slack": (f"xoxb-1234567890-1234567890-{MIX[:24]}", f"xoxe.xoxp-1-{UPPER[:163]}", f"xapp-1-A0-123-{HEX[:64]}"),
    "Sonar": (f"squ_{HEX[:40]}", f"sqp_{HEX[:40]}", f"sqa_{HEX[:40]}"),
    "Sourcegraph": (f"sgp_local_{HEX[:40]}",),
    "Square": (f"sq0atp-{MIX[:22]}", f"EAAA{MIX[:60]}"),
    "Stripe": (*(f"{kind}k_{mode}_{MIX[:24]}" for kind in "sr" for mode in ("live", "test", "prod")), f"whsec_{MIX[:32]}"),
    "Tailscale": (f"tskey-auth-{MIX[:12]}-{MIX[:32]}",),
    "Telegram": (f"bot123456789:A{MIX[:34]}", f"123456789:AA{MIX[:33]}"),
    "Twilio": (f"SK{HEX[:32]}",),
    "Typeform": (f"tfp_{MIX[:59]}",),
    "Vault": (f"hvs.{MIX[:95]}", f"hvb.{MIX[:140]}", f"s.{MIX[:24]}"),
    "Yandex": (f"AQVN{MIX[:36]}", f"t1.{MIX[:20]}.{MIX[:86]}", f"YC{MIX[:38]}"),
    "Azure AD": (f"abc8Q~{MIX[:34]}",),
    "Discord": (f"M{MIX[:24]}.{MIX[:6]}.{MIX[:30]}",),
    "Mailchimp": (f"{HEX[:32]}-us12",),
    "MaxMind": (f"{MIX[:6]}_{MIX[:29]}_mmk",),
    "Terraform": (f"{MIX[:14]}.atlasv1.{MIX[:60]}",),
}  # fmt: skip


def test_every_shape_has_a_sample() -> None:
    assert SAMPLES.keys() == {*SHAPES, *UNANCHORED}
    assert len(SHAPES) >= 60


@pytest.mark.parametrize(
    ("sample"), [sample for samples in SAMPLES.values() for sample in samples], ids=lambda sample: sample[:16]
)
def test_a_token_is_masked_wherever_it_stands(sample: str) -> None:
    redactor = Redactor()
    assert redactor.text(sample) == "[redacted]"
    assert redactor.text(f"the server said {sample} and closed") == "the server said [redacted] and closed"
    assert redactor.text(f'said "{sample}" ({sample})') == 'said "[redacted]" ([redacted])'


@pytest.mark.parametrize(
    "text",
    [
        "main@sha1:0123456789abcdef0123456789abcdef01234567",
        f"ghcr.io/acme/web@sha256:{HEX[:64]}",
        f"4b1d{HEX[:60]}", f"4b1d{HEX[:36]}",
        "3f8c9a52-0d2e-4a7b-9e61-5c1d2f3a4b5c",
        "sh.helm.release.v1.podinfo.v12", "podinfo-7d9f8c6b5d-x2x4z", "redis-key-rotation-v1", "task-ant-hill",
        "hf_ and npm_ and sk-x", "sk-app-deployment-of-a-team-in-europe", "spec.pat.foo", "s.helm", "t1.micro", "dp.pt.x",
        "API-SERVER", "SKU1234", "xdop_v1_0123456789abcdef", "keyboard-0123456789abcdef0123456789abcdef",
        "oci://registry.example.test/charts/podinfo:6.5.0", "https://git.example.test/acme/fleet.git",
        "2026-01-01T00:00:00Z", "system:serviceaccount:flux-system:kustomize-controller",
        "eyeglasses.eyewear.eyelash", "patch.apps/v1", "SG.1", "YC-combinator",
    ],
)  # fmt: skip
def test_what_only_looks_alike_stays(text: str) -> None:
    assert Redactor().text(text) == text


#: What every pattern reads again and again, and never finds the end of.
PIECES = (
    "a", "a.", "a-", "a=", "a:", "=", ":", '"', "'", '\\"', "eyJ-", "eyJaaaaaaaaaa.", "token=", "token:", "token: ", 'token="', "token='",
    "secret=", '"auth":"', "auth=a", "password ", "--token ", "-u a:", "://", "://a?", "://a?b&", "://a?token=&", "://h/hooks/a", "hooks.slack.com/",
    "Cookie: a=b; ", "Cookie: ", "aaaaaaaaaaaaaa.atlasv1.", "abc8Q~", "-us1", "_mmk", "1:AA", "M.", "pat.", "SG.", "xoxb-", "dp.pt.",
    "0123456789abcdef0123456789abcdef", "token%3D", "token=>", "=token=", "&token", ";token=a", "[redacted]", "code=a1", "key:", "$(", "${a}",
)  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_any_text_is_read_in_linear_time(piece: str) -> None:
    redactor = Redactor()
    short, long = (_seconds(redactor, piece * (size // len(piece))) for size in (50_000, 200_000))
    assert long < max(0.4, 10 * short), f"{short:.3f} s for 50 kB, {long:.3f} s for 200 kB"


def _seconds(redactor: Redactor, text: str) -> float:
    start = time.process_time()
    redactor.text(text)
    return time.process_time() - start

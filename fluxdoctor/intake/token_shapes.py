"""The tokens that can be recognised by their first characters alone.

Prefixes, alphabets and usual lengths are those that the rules of gitleaks 8 list (config/gitleaks.toml) and that the
issuers document. A shape asks for fewer characters than a real token has, because a message may quote a part of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_HEX: Final = "0-9a-fA-F"
#: The characters of most tokens.
_ANY: Final = r"\w-"

#: By issuer: the expressions of its tokens. Each begins with plain letters or digits, and each quantifier without an
#: upper bound is the last one and possessive, so that a text of any length is read in linear time.
SHAPES: Final[Mapping[str, tuple[str, ...]]] = {
    "1Password": (r"A3-[A-Z\d]{6}-[A-Z\d-]{20,}+", r"ops_eyJ[A-Za-z\d+/]{16,}+"),
    "Adobe": (r"p8e-[A-Za-z\d]{32}",),
    "age": (r"AGE-SECRET-KEY-[\dA-Za-z-]++", r"age-secret-key-[\dA-Za-z-]++"),
    "Airtable": (rf"pat[A-Za-z\d]{{14}}\.[{_HEX}]{{32,}}+",),
    "Alibaba": (r"LTAI[A-Za-z\d]{16,}+",),
    "Anthropic": (rf"sk-ant-[{_ANY}]{{12,}}+",),
    "Artifactory": (r"AKCp[A-Za-z\d]{40,}+", r"cmVmd[A-Za-z\d]{40,}+"),
    "Atlassian": (rf"AT(?:ATT3|CTT3|BB)[={_ANY}]{{16,}}+",),
    "AWS": (
        r"A(?:3T[A-Z\d]|KIA|SIA|BIA|CCA)[A-Z\d]{16}\b",
        r"ABSK[A-Za-z\d+/]{32,}+",
        r"bedrock-api-key-[A-Za-z\d+/]{16,}+",
    ),
    "Azure DevOps and Functions": (r"AzFu[A-Za-z\d+/=]{16,}+",),
    "Bitbucket": (r"BBDC-[A-Za-z\d+/]{20,}+",),
    "Brevo": (rf"x(?:keysib|smtpsib)-[{_ANY}]{{16,}}+",),
    "ClickHouse": (r"4b1d[A-Za-z\d]{38}\b",),
    "Clojars": (r"CLOJARS_[A-Za-z\d]{16,}+",),
    "Cloudflare": (rf"v1\.0-[{_HEX}]{{24}}-[{_HEX}]{{16,}}+",),
    "Databricks": (rf"dapi[{_HEX}]{{32}}",),
    "Defined Networking": (rf"dnkey-[={_ANY}]{{16,}}+",),
    "DigitalOcean": (rf"do[opr]_v1_[{_ANY}]{{8,}}+",),
    "Docker": (rf"dckr_[po]at_[{_ANY}]{{8,}}+",),
    "Doppler": (r"dp\.(?:pt|st|sa|ct|scim|audit)\.[\w.-]{16,}+",),
    "Duffel": (rf"duffel_(?:test|live)_[={_ANY}]{{16,}}+",),
    "Dynatrace": (r"dt0[a-z]\d\d\.[A-Za-z\d.]{20,}+",),
    "EasyPost": (r"EZ[AT]K[A-Za-z\d]{32,}+",),
    "Facebook": (r"EAA[MC][A-Za-z\d]{32,}+",),
    "Flutterwave": (rf"FLW(?:SECK|PUBK)(?:_TEST)?-[{_ANY}]{{12,}}+",),
    "Fly.io": (r"fo1_[\w-]{16,}+", r"fm(?:1[ar]|2)_[A-Za-z\d+/=]{16,}+"),
    "Frame.io": (rf"fio-u-[={_ANY}]{{16,}}+",),
    "GitHub": (r"gh[pousr]_\w{4,}+", r"github_pat_\w{4,}+"),
    "GitLab": (
        r"gl(?:pat|dt|rt|rtr|ptt|cbt|ffct|ft|imt|agent|oas|soat|wt|sat)-[\w.-]{4,}+",
        r"GR1348941[\w-]{8,}+",
        r"_gitlab_session=[A-Za-z\d]{8,}+",
    ),
    "Google": (r"AIza[\w-]{24,}+", r"ya29\.[\w.-]{16,}+", r"GOCSPX-[\w-]{16,}+"),
    "Grafana": (r"gl(?:c|sa)_[A-Za-z\d+/=_]{16,}+", r"eyJrIjoi[A-Za-z\d]{20,}+"),
    "Harness": (r"pat\.[\w-]{22}\.[A-Za-z\d]{24}\.[A-Za-z\d]{20}", r"sat\.[\w-]{22}\.[A-Za-z\d]{24}\.[A-Za-z\d]{20}"),
    "Heroku": (rf"HRKU-[{_ANY}]{{16,}}+",),
    "Hugging Face": (r"hf_[A-Za-z\d]{16,}+", r"api_org_[A-Za-z\d]{16,}+"),
    "Infracost": (r"ico-[A-Za-z\d]{32}",),
    "Intra42": (rf"s-s4t2(?:ud|af)-[{_HEX}]{{16,}}+",),
    "JSON web token": (r"ey(?<![\w-]ey)[A-Za-z\d_-]{10,}+\.ey[A-Za-z\d/_-]{10,}+\.[\w-]*+", r"ZXlK[A-Za-z\d+/]{40,}+={0,2}"),
    "Linear": (r"lin_(?:api|oauth)_[A-Za-z\d]{16,}+",),
    "Mailgun": (rf"key-[{_HEX}]{{32}}\b", rf"pubkey-[{_HEX}]{{32}}\b"),
    "New Relic": (rf"NR(?:AK|II|JS|RA|AL)-[{_ANY}]{{16,}}+",),
    "Notion": (r"ntn_[A-Za-z\d]{16,}+",),
    "npm": (r"npm_[A-Za-z\d]{16,}+",),
    "Octopus": (r"API-[A-Z\d]{26,32}\b",),
    "OpenAI": (rf"sk-(?:proj|svcacct|admin|or-v1)-[{_ANY}]{{12,}}+", r"sk-[A-Za-z\d]{20,}+(?![\w-])"),
    "OpenShift": (r"sha256~[\w-]{20,}+",),
    "Perplexity": (r"pplx-[A-Za-z\d]{20,}+",),
    "PlanetScale": (r"pscale_(?:tkn|oauth|pw)_[\w=.-]{16,}+",),
    "Postman": (rf"PMAK-[{_HEX}-]{{20,}}+",),
    "Prefect": (r"pn[ub]_[A-Za-z\d]{20,}+",),
    "Pulumi": (rf"pul-[{_HEX}]{{20,}}+",),
    "PyPI": (r"pypi-[\w-]{32,}+",),
    "ReadMe": (r"rdme_[a-z\d]{20,}+",),
    "RubyGems": (rf"rubygems_[{_HEX}]{{16,}}+",),
    "Scalingo": (r"tk-us-[\w-]{24,}+",),
    "SendGrid": (r"SG\.[\w.-]{20,}+",),
    "Sentry": (r"sntry[su]_[\w+/=]{16,}+",),
    "SettleMint": (r"sm_(?:aat|pat|sat)_[A-Za-z\d]{12,}+",),
    "Shippo": (rf"shippo_(?:live|test)_[{_HEX}]{{16,}}+",),
    "Shopify": (rf"shp(?:at|ca|pa|ss)_[{_HEX}]{{16,}}+",),
    "Slack": (r"xox[a-z](?:\.xox[bp])?-[\w-]{4,}+", r"xapp-\d-[\w-]{8,}+"),
    "Sonar": (r"sq[upa]_[A-Za-z\d]{20,}+",),
    "Sourcegraph": (r"sgp_\w{20,}+",),
    "Square": (r"sq0[a-z]{3}-[\w-]{16,}+", r"EAAA[\w-]{22,}+"),
    "Stripe": (*(rf"{kind}k_(?:test|live|prod)_[A-Za-z\d]{{8,}}+" for kind in "srp"), r"whsec_[A-Za-z\d+/=]{16,}+"),
    "Tailscale": (r"tskey-[a-z]{2,16}-[\w-]{8,}+",),
    "Telegram": (r"bot\d{5,16}:A[\w-]{30,}+",),
    "Twilio": (rf"SK[{_HEX}]{{32}}\b",),
    "Typeform": (r"tfp_[\w.=-]{20,}+",),
    "Vault": (r"hv[sbr]\.[\w-]{8,}+", r"s\.[A-Za-z\d]{24}\b"),
    "Yandex": (r"AQVN[\w-]{32,}+", r"t1\.[\w-]{4,64}={0,2}\.[\w-]{40,}+", r"YC[\w-]{38}\b"),
}  # fmt: skip
#: Tokens without a prefix of their own: the text that every one of them has, and the expression, which is bounded.
UNANCHORED: Final[Mapping[str, tuple[str, str]]] = {
    "Azure AD": ("Q~", r"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{24,40}"),
    "Discord": (".", r"(?<![\w.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w.-])"),
    "Mailchimp": ("-us", rf"(?<!\w)[{_HEX}]{{32}}-us\d{{1,2}}\b"),
    "MaxMind": ("_mmk", r"(?<!\w)[A-Za-z\d]{6}_[A-Za-z\d]{29}_mmk\b"),
    "Telegram": (":AA", r"(?<!\w)\d{8,16}:AA[\w-]{30,40}"),
    "Terraform": (".atlasv1.", r"(?<!\w)[A-Za-z\d]{14}\.atlasv1\.[\w=-]{20,80}"),
}  # fmt: skip


def _combined() -> str:
    """Return one expression for all shapes, grouped by the first character: at most one group is tried at a place."""
    by_first: dict[str, list[str]] = {}
    for expressions in SHAPES.values():
        for expression in expressions:
            by_first.setdefault(expression[0], []).append(expression[1:])
    return "|".join(f"{first}(?:{'|'.join(group)})" for first, group in sorted(by_first.items()))


_SHORTEST: Final = 8
_SHORTEST_UNANCHORED: Final = 28
#: A token begins a word: "xghp_" is none.
_TOKEN: Final = re.compile(rf"(?<![^\W_])(?:{_combined()})")
_UNANCHORED: Final = tuple((word, re.compile(expression)) for word, expression in UNANCHORED.values())


def mask_tokens(text: str, mask: str) -> str:
    """Return the text with each token replaced by the mask."""
    if len(text) >= _SHORTEST:
        text = _TOKEN.sub(mask, text)
    if len(text) < _SHORTEST_UNANCHORED:
        return text
    for word, pattern in _UNANCHORED:
        if word in text:
            text = pattern.sub(mask, text)
    return text

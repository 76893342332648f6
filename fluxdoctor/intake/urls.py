"""Masks the credentials of URLs: parameters of queries and fragments, and the addresses of incoming webhooks.

What a reader needs to find the server stays: scheme, host, path, and the names of all parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from fluxdoctor.intake.named_values import is_credential_name

_URL: Final = re.compile(
    r"://(?P<authority>[^\s/?#\"'<>\\]*+)(?P<path>(?:/[^\s?#\"'<>\\]*+)?+)"
    r"(?:\?(?P<query>[^\s#\"'<>]*+))?+(?:#(?P<fragment>[^\s\"'<>]*+))?+"
)
#: The address of a webhook without its scheme.
_BARE: Final = re.compile(
    r"(?<![\w./-])(?P<authority>hooks\.slack\.com|discord(?:app)?\.com|outlook\.office\.com|api\.telegram\.org|chat\.googleapis\.com)"
    r"(?P<path>/[^\s?#\"'<>\\]*+)"
)
#: Between two parameters: as written, in HTML, and as Go writes JSON.
_SEPARATOR: Final = re.compile(r"&amp;|(?<!\\)\\++u0026|[&;]")
#: Parameters that grant access: signatures of storage services (SAS of Azure, AWS, Google, Alibaba), OAuth, chat services.
_PARAMETERS: Final = frozenset((
    "sig", "signature", "x-amz-signature", "x-amz-security-token", "x-goog-signature", "x-oss-signature", "ossaccesskeyid",
    "awsaccesskeyid", "googleaccessid", "jwt", "code", "state", "auth", "authorization", "key", "secret", "hash", "hmac",
    "ticket", "sas", "se_token", "assertion", "samlresponse", "client_assertion", "nonce", "otp", "pin", "passwd", "pass", "pw",
))  # fmt: skip
#: Parameters that may as well be something harmless: only a long value is masked.
_MAY_BE_HARMLESS: Final = frozenset(("code", "state", "key", "hash", "nonce", "ticket", "pin", "secret", "auth"))
_LONG_VALUE: Final = 12
#: By the end of the host: the part of the path that stays. What follows is the key of the webhook.
_WEBHOOKS: Final = (
    ("hooks.slack.com", re.compile(r"/[a-z]{1,16}/")),
    ("discord.com", re.compile(r"/api/(?:v\d+/)?webhooks/")),
    ("discordapp.com", re.compile(r"/api/(?:v\d+/)?webhooks/")),
    ("webhook.office.com", re.compile(r"/webhookb?2?/")),
    ("outlook.office.com", re.compile(r"/webhookb?2?/")),
    ("api.telegram.org", re.compile(r"/(?:file/)?bot")),
    ("chat.googleapis.com", re.compile(r"/v1/spaces/")),
    ("webexapis.com", re.compile(r"/v1/webhooks/incoming/")),
    ("larksuite.com", re.compile(r"/open-apis/bot/v2/hook/")),
    ("feishu.cn", re.compile(r"/open-apis/bot/v2/hook/")),
    ("hooks.zapier.com", re.compile(r"/hooks/catch/")),
    ("maker.ifttt.com", re.compile(r"/trigger/[^/]{1,64}/(?:json/)?with/key/")),
    ("hc-ping.com", re.compile(r"/")),
    ("pagerduty.com", re.compile(r"/(?:integration|x-ere)/")),
    ("splunkcloud.com", re.compile(r"/api/v2/(?:[a-z]+/)?webhooks?/")),
    ("victorops.com", re.compile(r"/integrations/generic/\d+/alert/")),
    ("sentry.io", re.compile(r"/api/hooks/")),
)  # fmt: skip
#: On other hosts (Mattermost, Rocket.Chat, Grafana OnCall, Jenkins): what follows such a part of the path, if it is no word.
_HOOK_PART: Final = re.compile(
    r"/(?:hooks?|webhooks?|webhookb2|incoming[-_]?webhooks?|incomingwebhook|generic-webhook-trigger|formatted_webhook|alertmanager)/",
    re.IGNORECASE,
)
_SEGMENT: Final = re.compile(r"[^/]+")
_WORD: Final = re.compile(r"[\w-]{12,}+")
_LONG: Final = 24  # characters; a shorter word is a key only with a digit in it, or after it in its part of the path


def may_have_credentials(text: str) -> bool:
    """Tell whether a text may have a URL with a credential: quick, and true of every text that has one."""
    return "://" in text or ".com/" in text or ".org/" in text


def credential_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the credentials in the URLs of a text. The user and password are not among them."""
    for match in _URL.finditer(text):
        for name in ("query", "fragment"):
            if match[name]:
                yield from _parameter_spans(match[name], match.start(name))
        if match["path"]:
            yield from _webhook_spans(match)
    for match in _BARE.finditer(text):
        yield from _webhook_spans(match)


def _parameter_spans(query: str, offset: int) -> Iterator[tuple[int, int]]:
    begin = 0
    for separator in (*_SEPARATOR.finditer(query), None):
        end = separator.start() if separator else len(query)
        name, equals, value = query[begin:end].partition("=")
        if value and _is_credential(unquote(name), value):
            start = offset + begin + len(name) + len(equals)
            yield start, max(start + 1, offset + len(query[:end].rstrip(".,:)]}")))
        begin = separator.end() if separator else end


def _is_credential(name: str, value: str) -> bool:
    lower = name.lower()
    if value.startswith(("[redacted]", "${", "<")):
        return False
    if lower in _MAY_BE_HARMLESS:
        return len(value) >= _LONG_VALUE
    return lower in _PARAMETERS or is_credential_name(name)


def _webhook_spans(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    host = match["authority"].rpartition("@")[2].partition(":")[0].lower()
    path, start = match["path"], match.start("path")
    for ending, public in _WEBHOOKS:
        is_host = host == ending or host.endswith("." + ending)
        if is_host and (public_part := public.match(path)) and len(path.rstrip(".,:;)")) > public_part.end():
            yield start + public_part.end(), start + len(path.rstrip(".,:;)"))
            return
    if hook := _HOOK_PART.search(path):
        for begin, end in _key_spans(path, hook.end()):
            yield start + begin, start + end


def _key_spans(path: str, begin: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the words of a path that look like keys, from an offset on."""
    for segment in _SEGMENT.finditer(path, begin):
        offset = segment.start()
        last_digit = max((offset + i for i, char in enumerate(segment[0]) if char.isdecimal()), default=-1)
        for word in _WORD.finditer(path, offset, segment.end()):
            if word.end() - word.start() >= _LONG or last_digit >= word.start():
                yield word.span()

"""Finds credentials that stand behind their name: ``password=...``, ``"token": "..."``, headers, flags, URL queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

#: The ends of names of credentials, without separators and in lower case.
_CREDENTIAL: Final = re.compile(
    r"(?:pass(?:word|wd|phrase|code)|^pass|[-_.]pass|pwd|token|bearer"
    r"|(?:api|access|secret|private|signing|encryption|account|shared|master|storage|license|deploy|auth)[-_.]?key(?:[-_.]?data)?"
    r"|client[-_.]?key[-_.]?data|(?:client|shared|app|webhook|consumer|jwt|signing|oauth2?|cookie|session)[-_.]?secret"
    r"|credentials?|connection[-_.]?string|cookie|^sig|^authorization"
    r"|session[-_.]?id|^sessid|^phpsessid|^jsessionid)$",
    re.IGNORECASE,
)
#: Names that mean a reference to a Secret as often as a value: only a value that can be nothing else is masked.
_AMBIGUOUS: Final = re.compile(r"(?P<login>^_?auth|[-_.]auth|^jwt|signature)$|(?:secret|^key|^code)$", re.IGNORECASE)
#: Variables of every shell.
_FOLDERS: Final = ("PWD", "OLDPWD")
#: Every name of a credential has one of these; a text with none of them is not read further.
_KEYWORDS: Final = (
    "pass",
    "pwd",
    "token",
    "secret",
    "key",
    "cred",
    "cookie",
    "auth",
    "sig",
    "connection",
    "sess",
    "bearer",
    "jwt",
    "code",
    "-u",
)

_QUOTE: Final = r"\\{0,3}[\"']"
#: A name and a separator; the value begins where the match ends.
_PAIR: Final = re.compile(
    rf"(?<![\w.-])(?P<name>[\w.-]{{1,64}})(?P<quote>{_QUOTE})?[ \t]{{0,3}}(?P<sep>=>|:=|%3[dD]|[:=])(?P<space>[ \t]{{0,4}})"
)
_FLAG: Final = re.compile(r"(?<![^\s\"'=])--?(?P<name>[A-Za-z][\w-]{1,63})(?P<space>[ ]{1,4})(?=[^\s-])")
#: The "-u" of curl.
_USER: Final = re.compile(r"(?<!\S)(?:-u|--user)[ =]{1,4}[\"']?[^\s:\"']{1,128}:(?P<value>[^\s\"']{1,256})")
_SCHEME: Final = re.compile(r"(?:basic|bearer|token|digest|negotiate)[ ]{1,4}", re.IGNORECASE)
_QUOTED: Final = re.compile(r"(?P<open>\\{0,3}[\"'])(?P<value>(?:(?!(?P=open))[^\n])*+)")
#: A value without quotes ends at white space, at a quote, or where the next pair begins.
_PLAIN: Final = re.compile(
    r"(?:[^\s\"'`&;,\\<>)\]}]|[&;,](?![\s\"']|\Z|amp;|[\w.%-]{1,64}=)|[)\]}](?=[^\s\"',;)\]}]))++"
)
_COOKIES: Final = re.compile(r"[^\s;\"'=]{1,64}=[^\s;\"']*+(?:;[ ]?[^\s;\"'=]{1,64}=[^\s;\"']*+)*+")
_NO_VALUE: Final = re.compile(
    r"(?:\[redacted\]|\$[{(]|<|%[svqdw]\b|\*+(?!\w)|(?:true|false|null|nil|none|undefined|empty|missing|required|invalid|unset)\b)",
    re.IGNORECASE,
)
_HEADER: Final = re.compile(
    r"(?:x-[\w-]{1,64}|(?:private|job|deploy|auth|access|api|circle|session)-(?:token|key))\Z", re.IGNORECASE
)
#: A value that is no word of prose.
_OPAQUE: Final = re.compile(r"(?=.*\d)|(?=.*[!@#$%^*+=~])|.{24}", re.DOTALL)
#: A value that is no name of an object either.
_DENSE: Final = re.compile(r"(?=[A-Za-z+/%=~_]*\d)(?=[\d+/%=~_]*[A-Za-z])[\w+/%=~]{16,}(?=[\s\"'&;,)\]}\\]|\Z)")
_FIELD_END: Final = re.compile(r"\s{0,64}(?:[,}\]\\]|\Z)")
_MASK: Final = "[redacted]"
_LONG_NAME: Final = 256  # characters; a name that is longer is none
_INDENT: Final = 80


def is_credential_name(name: str) -> bool:
    """Tell whether a field, header, variable or flag of this name holds a credential."""
    return bool(_CREDENTIAL.search(name)) and name not in _FOLDERS


def may_have_values(text: str) -> bool:
    """Tell whether a text may have a credential behind its name: quick, and true of every text that has one."""
    if ":" in text or "=" in text or "%3" in text or " -" in text:
        lower = text.lower()
        for word in _KEYWORDS:
            if word in lower:
                return True
    return False


def value_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the credentials in a text that stand behind their name."""
    done = 0
    for match in _PAIR.finditer(text):
        # A pair inside a value that is masked already is not read: the time stays linear.
        if match.start() >= done and (span := _pair(text, match)):
            yield span
            done = span[1]
    for match in _FLAG.finditer(text):
        value = _PLAIN.match(text, match.end())
        if is_credential_name(match["name"]) and value and _OPAQUE.match(value[0]) and not _NO_VALUE.match(value[0]):
            yield value.span()
    for match in _USER.finditer(text):
        yield match.span("value")


def _pair(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    """Return the span of the value behind a name and a separator, None if it is no credential."""
    name = unquote(match["name"])
    is_clear = is_credential_name(name)
    ambiguous = None if is_clear else _AMBIGUOUS.search(name)
    if not (is_clear or ambiguous):
        return None
    start = match.end()
    if text.startswith("[", start) and not text.startswith(_MASK, start):
        start += 1  # a list, as Go prints it
    if name.lower().endswith("cookie") and (cookies := _COOKIES.match(text, start)):
        return cookies.span()
    quoted = _QUOTED.match(text, start)
    start = quoted.start("value") if quoted else start
    if scheme := _SCHEME.match(text, start):
        start = scheme.end()
    if _NO_VALUE.match(text, start):
        return None
    is_field = bool(ambiguous and ambiguous["login"] and quoted and match["quote"])  # of JSON, as in a docker config
    if ambiguous and not is_field and not _DENSE.match(text, start, start + _LONG_NAME):
        return None
    plain = None if quoted else _PLAIN.match(text, start)
    end = quoted.end("value") if quoted else plain.end() if plain else start
    is_value = bool(ambiguous) or _is_value(text, match, (start, end), is_quoted=bool(quoted))
    return (start, end) if is_value and text[start:end].strip() else None


def _is_value(text: str, match: re.Match[str], span: tuple[int, int], *, is_quoted: bool) -> bool:
    """Tell whether what stands behind a name and a separator is a value, and not the rest of a sentence."""
    is_header = not match["quote"] and _HEADER.match(match["name"])
    if match["sep"] != ":" or is_header or _OPAQUE.match(text, *span):
        return True
    if match["quote"]:
        return _is_field(text, match, span, is_quoted=is_quoted)
    if not match["space"]:  # as Go prints a map
        return True
    # A line of YAML or of a .env file: nothing else is in it.
    before = text[max(0, match.start() - _INDENT) : match.start()].rpartition("\n")
    after = text[span[1] : span[1] + 2].lstrip("\"'")
    is_first = not before[0] and match.start() > _INDENT
    is_alone = not is_first and not before[2].strip(" \t-{\"'") and (not after or after[0] in "\r\n")
    return is_alone and (is_quoted or "\n" in text)


def _is_field(text: str, match: re.Match[str], span: tuple[int, int], *, is_quoted: bool) -> bool:
    """Tell whether a quoted name and a quoted value are a field of JSON: ``"name": "value"``, then a comma or the end."""
    quote = match["quote"]
    if not (quote and is_quoted and text.endswith(quote, 0, match.start())):
        return False
    return bool(_FIELD_END.match(text, span[1] + len(quote)))

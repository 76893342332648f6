"""Regular expressions that users write. Flux and kustomize compile them with Go's regexp: RE2, in linear time.

They run here in the same engine (google-re2), never in Python's, which backtracks: ``(a|a)*b`` would take hours. No other
module may run a pattern that is not ours; a test enforces it. This is the only module of the model that imports a library.

A pattern is used in one of two ways:

* as it is: ``spec.filterTags.pattern`` (image-reflector-controller 1.2, internal/policy/filter.go) and
  ``spec.ref.semverFilter`` (source-controller 1.9, internal/controller/ocirepository_controller.go) search in a tag;
* ``^(?:pattern)$``: every selector of a patch target (kustomize 5.8, api/types/selector.go).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

#: Limits of a pattern (characters), of its program (instructions of RE2) and of a text (characters). A tag has at most 128
#: characters and a name 253. Together they limit what one comparison can cost to a few milliseconds.
MAX_PATTERN, _MAX_PROGRAM, _MAX_TEXT = 4_096, 5_000, 1_024
_MEMORY = 1 << 19
_PATTERNS = 128
#: A selector without special characters: most name one object.
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
#: Syntax that Go does not support: look-around, back references, possessive quantifiers and atomic groups.
_NOT_IN_GO = re.compile(r"\(\?(?:=|!|<=|<!|>)|\\[1-9]|[*+?}]\+")
#: A quoted text, a class, and one character, plain or escaped. Only in the last can syntax begin.
_TOKEN = re.compile(
    r"(?P<literal>\\Q.*?(?:\\E|\Z)|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*+\]?)|\(\?P?<(?P<group>\w+)>|\\?.", re.DOTALL
)
#: RE2's messages (re2.cc), each with the message of Go 1.26 (regexp/syntax.ErrorCode).
_WORDS = {
    "missing )": "missing closing )",
    "unexpected )": "unexpected )",
    "missing ]": "missing closing ]",
    "invalid character class range": "invalid character class range",
    "invalid character class": "invalid character class",
    "invalid repetition size": "invalid repeat count",
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "trailing \\": "trailing backslash at end of expression",
    "invalid escape sequence": "invalid escape sequence",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "invalid UTF-8": "invalid UTF-8",
}
_TEMPLATE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class InvalidRegexError(ValueError):
    """Go refuses the pattern. The text is Go's reason, or names the syntax that Go does not support."""


class RegexLimitError(Exception):
    """The pattern or the text exceeds a limit, so it is not known what Go would answer. The text says which."""


class GoRegex:
    """A compiled pattern."""

    def __init__(self, pattern: str, program: Any) -> None:
        self.pattern = pattern
        self._program = program

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups; the numbers from 1 if none has a name."""
        return (*self._program.groupindex,) or tuple(map(str, range(1, self._program.groups + 1)))

    @property
    def known_groups(self) -> frozenset[str]:
        """The names and numbers that a template may refer to."""
        return frozenset((*self._program.groupindex, *map(str, range(self._program.groups + 1))))

    def matches(self, text: str) -> bool:
        """Tell whether the pattern occurs in a text. Raises RegexLimitError."""
        return self._search(text) is not None

    def expand(self, text: str, template: str) -> str | None:
        """Return a template filled with the groups of the first match, None without a match. Raises RegexLimitError.

        As Go's Regexp.Expand (1.26): the longest name counts (``$12x`` is the group ``12x``), and a missing group is empty.
        """
        match = self._search(text)
        if match is None:
            return None
        groups: Mapping[str, str] = {
            **{str(i): group or "" for i, group in enumerate((match[0], *match.groups()))},
            **match.groupdict(""),
        }
        return _TEMPLATE.sub(lambda variable: groups.get(variable[1] or variable[2], ""), template)

    def _search(self, text: str) -> Any:
        if len(text) > _MAX_TEXT:
            raise RegexLimitError(f"a text is longer than {_MAX_TEXT:,} characters")
        try:
            return self._program.search(text)
        except UnicodeEncodeError:  # a lone surrogate: no name and no tag contains one
            return None


def compiled(pattern: str) -> GoRegex:
    """Return a pattern as Go compiles it. Raises InvalidRegexError and RegexLimitError."""
    result = _compiled(pattern) if len(pattern) <= MAX_PATTERN else RegexLimitError(
        f"its regular expression is longer than {MAX_PATTERN:,} characters"
    )  # fmt: skip
    if isinstance(result, GoRegex):
        return result
    raise result


def filtered(pattern: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the texts in which a pattern occurs, all for an empty one. Raises InvalidRegexError and RegexLimitError."""
    if not pattern:
        return tuple(texts)
    regex = compiled(pattern)
    return tuple(text for text in texts if regex.matches(text))


def selects(pattern: str, values: Collection[str], *, default: bool) -> bool:
    """Tell whether a selector of a kustomize patch target matches one of the values; an empty one matches all.

    ``default``: the answer if kustomize cannot compile the selector, or a limit is exceeded.
    """
    if not pattern:
        return True
    if _PLAIN.fullmatch(pattern):
        return pattern in values
    try:
        regex = compiled(f"^(?:{pattern})$")
        return any(regex.matches(value) for value in values)
    except (InvalidRegexError, RegexLimitError):
        return default


def flaw(pattern: str) -> str:
    """Return why Go cannot compile a pattern; "" if it can, or if the pattern exceeds a limit."""
    try:
        compiled(pattern)
    except InvalidRegexError as error:
        return str(error)
    except RegexLimitError:
        return ""
    return ""


def limit(pattern: str) -> str:
    """Return which limit a pattern exceeds; "" if none."""
    try:
        compiled(pattern)
    except RegexLimitError as error:
        return str(error)
    except InvalidRegexError:
        return ""
    return ""


def template_groups(template: str) -> tuple[str, ...]:
    """Return the groups that a template refers to by a name or number without braces; ``$$`` is a dollar.

    A name in braces may be a postBuild variable that has not been substituted yet.
    """
    return tuple(dict.fromkeys(bare for _, bare in _TEMPLATE.findall(template.replace("$$", " ")) if bare))


def occurrences(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of a pattern of ours that Python's engine would search in more than linear time."""
    import re2

    yield from re2.finditer(pattern, text.encode("utf-8", "replace").decode())  # it takes no surrogates


@lru_cache(_PATTERNS)
def _compiled(pattern: str) -> GoRegex | InvalidRegexError | RegexLimitError:
    import re2

    if unsupported := _unsupported(pattern):
        return InvalidRegexError(unsupported)
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        program = re2.compile(pattern, options)
    except UnicodeEncodeError:
        return InvalidRegexError("invalid UTF-8")
    except re2.error as error:
        return _refusal(error)
    if program.programsize > _MAX_PROGRAM:
        return RegexLimitError("its regular expression is too complex")
    return GoRegex(pattern, program)


def _refusal(error: Exception) -> InvalidRegexError | RegexLimitError:
    text = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
    reason, _, detail = text.partition(": ")
    if reason.startswith("pattern too large"):
        return RegexLimitError("its regular expression is too complex")
    words = _WORDS.get(reason, "invalid regular expression")
    is_telling = reason in ("invalid escape sequence", "invalid perl operator", "no argument for repetition operator")
    return InvalidRegexError(f"{words}: `{detail}`" if detail and is_telling else words)


def _unsupported(pattern: str) -> str:
    """Return the first syntax outside of a class that Go does not support, and RE2 takes or calls something else; ""."""
    groups: set[str] = set()
    for token in _TOKEN.finditer(pattern):
        if token["literal"]:
            continue
        if match := _NOT_IN_GO.match(pattern, token.start()):
            return f"Go does not support {match[0]}"
        if token[0] == "\\C":
            return "invalid escape sequence: `\\C`"
        if token["group"] in groups:
            return f"duplicate capture group name: `{token['group']}`"
        if token["group"]:
            groups.add(token["group"])
    return ""

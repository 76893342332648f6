"""The words that no text for users contains: rule pages, help, errors, and what agents read."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Words that send a reader back to the beginning of the sentence, or that are no English of this field.
STOP = {
    "a duration with since (for 2h)": r"\bsince (?:\{age\}|\{since\}|\d+ ?[smhd]\b)",
    "may not (is not allowed to, cannot)": r"\bmay not\b",
    "an archaic word": r"\b(?:anew|whoever|nobody|whatever|thereby|hence|whence|thereof|wherein)\b",
    "for want of (because X is missing)": r"\bfor want of\b",
    "in vain (timed out waiting for)": r"\bin vain\b",
    "a circle (a cycle)": r"\bin a circle\b",
    "to be had (available)": r"\bto be had\b",
    "of late (recently)": r"\bof late\b",
    "by now (now)": r"\bby now\b",
    "by itself (on its own)": r"\bfollows? by (?:itself|themselves)\b",
    "is to + verb (must, is configured to)": r"\b(?:is|are) to (?!be\b)[a-z]+\b",
    "where for if": r"\bwhere (?:it|they) (?:does|do|is|are|has|have)\b",
    "let the (check that)": r"\b[Ll]et (?:the|its|it)\b",
    "see that (check that)": r"\b[Ss]ee that\b",
    "is not there (does not exist)": r"\b(?:is|are) not there\b",
    "being deleted since (terminating for)": r"\bis being deleted since\b",
    "looked for (does not exist)": r"\b(?:was|has been) looked for\b",
    "told, as in 'is told'": r"\b(?:is|are) told\b",
    "the nearest (did you mean)": r"\bthe nearest\b",
}
#: The same for texts of the program: help, errors, and what agents read.
PROGRAM = {
    "the least severity (the lowest)": r"\b[Ll]east (?:severity|role)\b",
    "with what it has (partial results)": r"\bwith what (?:it|they) ha(?:s|ve)\b",
    "... else (defaults to)": r"\belse[.;]",
    "given more than once (can be repeated)": r"\bmore than once\.",
    "heed (apply)": r"\bheeds?\b",
    "bear (have)": r"\bbears?\b",
    "holds (contains)": r"\bthat (?:this|the) (?:file|folder) holds\b",
    "where for if": r"\bwhere (?:a|the) (?:client|server) (?:does|serves)\b|\bwhere that would\b",
    "of X: Y (with X, Y)": r"(?:^|[.:] )[Oo]f (?:http|one|the|this|what|a) ?[^.]*[:;]|^[Oo]f (?:the|one) object\b",
    "say which (set)": r"\bsay (?:which|with)\b",
    "who needs whom (dependency)": r"\bwho\b.*\bwhom\b",
    "begin with this (call first)": r"\bBegin (?:a|with)\b",
    "keep what (save what)": r"\b[Kk]eep(?:s)? what\b|\b[Kk]eep (?:no|nothing)\b",
    "tell how (return)": r"\btell(?:s)? (?:how|what|why|more|of)\b",
    "how it went, what came of it (result)": r"\bhow it went\b|\bcame of\b",
    "go on (continue, resume)": r"\b(?:goes on|go on|went on|goes on running)\b",
    "mend (fix)": r"\bmends?\b",
    "well (healthy)": r"\b(?:is|are) well\b",
    "the way from (the chain from)": r"\bthe way from\b",
    "taken up (handled)": r"\b(?:taken|takes) (?:\w+ ){1,3}up\b",
    "called off (cancelled)": r"\bcalled off\b",
    "looked at (checked)": r"\bnot looked at\b",
    "leave out (omit)": r"\b[Ll]eave (?:\w+ ){1,4}out\b",
    "give (set, specify, pass)": r"[;:,] give (?:a|it|the)\b",
    "write for use": r"[;:] write [A-Z\[{]",
    "not with X (cannot be used with)": r": not with\b|\bwould be for\b",
    "X asks for (requests)": r"\basks? for none\b|\bis for all\b",
    "not the same as fine (unknown)": r"\bas fine\b",
    "the most (the limit is)": r"\bare the most\b",
    "from now on": r"\bfrom now on\b",
    "the time is over (timed out)": r"\b(?:time|wait)\b[^.]*\bis over\b",
    "longer than it may (exceeds)": r"\bthan (?:this|the) \w+ may\b",
    "not known here (not found)": r"\bnot known here\b",
}  # fmt: skip


def banned(text: str, *lists: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with a text, by these lists."""
    for words in lists:
        yield from (why for why, pattern in words.items() if re.search(pattern, text))


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; a full stop inside a name, a number or a file name ends none."""
    return re.split(r"(?<=[.?!])\s+", " ".join(text.split()))


def of_description(text: str, longest: int) -> Iterator[str]:
    """Yield what is wrong with a description: sentences with a capital and a full stop, of at most so many words."""
    for sentence in sentences(text):
        first = sentence[:1]
        if not (first.isupper() or first.isdigit() or re.match(r"\w+[_=(]|(?:openreports|fluxdoctor)\b", sentence)):
            yield f"begins with no capital: {sentence}"
        if not sentence.endswith("."):
            yield f"ends with no full stop: {sentence}"
        if (words := len(sentence.split())) > longest:
            yield f"has {words} words, more than {longest}: {sentence}"
    yield from (f"{why}: {text}" for why in banned(text, STOP, PROGRAM))

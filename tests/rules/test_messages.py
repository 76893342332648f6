"""Every pattern against the controllers' messages that are known."""

from __future__ import annotations

import messages
import pytest
from messages import Message

from fluxdoctor.rule import Rule, installed, parse_page

RULES = installed().rules
QUOTED = messages.quoted()


def test_no_message_matches_two_rules_of_one_rank() -> None:
    assert list(messages.flaws(RULES, messages.corpus(RULES))) == []


@pytest.mark.parametrize("message", QUOTED, ids=lambda m: f"{m.rule} {m.source.removeprefix('https://github.com/')}")
def test_quoted_messages_have_a_link_and_a_rule(message: Message) -> None:
    assert message.source.startswith("https://github.com/")
    assert message.rule in {r.id for r in RULES}


def test_there_are_enough() -> None:
    assert len(QUOTED) >= 60


def _rule(name: str, rank: int, pattern: str) -> Rule:
    page = f"---\nseverity: error\nsummary: s\nmessage: m\nfix: f\npattern: '{pattern}'\nrank: {rank}\n---\n# s\n"
    return parse_page(page, f"area/{name}", "a.md")


def test_flaws_are_named() -> None:
    rules = [_rule("one", 3, "could not"), _rule("two", 3, "could not clone"), _rule("three", 1, "nothing")]
    found = messages.flaws(rules, [Message("GitRepository", "", "could not clone", "here", "area/three")])
    assert list(found) == [
        "here: area/one, area/two have rank 3 and all match: could not clone",
        "here: is recognised by area/one, not by area/three: could not clone",
    ]

"""Checks every pattern against the corpus of messages: `python tools/messages.py`.

The corpus: the failing conditions and events of the recorded incidents and of the examples on the rules' pages, the messages
of the fault catalogue, and those quoted in issues of public trackers (`fixtures/messages.yaml`, each with its link). Each
message matches at most one rule of a rank, and the rule named beside a quoted message recognises it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import yaml

from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.engine import recognise
from fluxdoctor.model.resource import Fields
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Rule, installed
from fluxdoctor.testing import examples, world

ROOT = Path(__file__).parent.parent
QUOTED = ROOT / "fixtures" / "messages.yaml"
INCIDENTS = ROOT / "fixtures" / "incidents"


@dataclass(frozen=True)
class Message:
    """A controller's message about an object of a kind, and its source. ``rule``: the rule that must recognise it."""

    kind: str
    reason: str
    text: str
    source: str
    rule: str = ""


def quoted(path: Path = QUOTED) -> list[Message]:
    """Read the messages quoted in public issues."""
    rows = map(Fields, yaml.safe_load(path.read_text("utf-8")))
    return [
        Message(r.text("kind"), r.text("reason"), r.text("message"), r.text("source"), r.text("rule")) for r in rows
    ]


def failure_messages(snapshot: Snapshot, source: str) -> Iterator[Message]:
    """Yield the controllers' messages about failing objects in a snapshot."""
    for failure in snapshot.failures.failed:
        for words in failure.words:
            yield Message(failure.ref.kind, words.reason, words.message, source)


def corpus(rules: Sequence[Rule]) -> list[Message]:
    """Return every message of the corpus once."""
    messages = quoted()
    for path in sorted(INCIDENTS.glob("*/snapshot.yaml")):
        messages += failure_messages(snapshot_folder.load(path.parent), path.parent.name)
    for example in examples("fluxdoctor_rules"):
        messages += failure_messages(world(example), str(example))
    claimed_faults = {fault for rule in rules for fault in rule.faults}
    for fault in coverage.faults():
        if fault.id in claimed_faults and fault.message:
            kinds = [k for k in fault.kinds if k != "*"] or ["Kustomization"]
            messages += [Message(kind, fault.reason, coverage.sample(fault), fault.id) for kind in kinds]
    return list({(m.kind, m.reason, m.text): m for m in reversed(messages)}.values())


def matching(rules: Iterable[Rule], message: Message) -> list[Rule]:
    """Return every rule that recognises a message if it is the only rule."""
    return [r for r in rules if recognise([r], message.kind, message.reason, message.text)]


def flaws(rules: Sequence[Rule], messages: Iterable[Message]) -> Iterator[str]:
    """Yield flaws: messages that two rules of one rank match, and quoted messages that another rule recognises."""
    readers = [r for r in rules if r.patterns]
    for message in messages:
        matches = sorted(matching(readers, message), key=lambda r: (r.rank, r.id))
        ranks = [r.rank for r in matches]
        for rank in sorted({r for r in ranks if ranks.count(r) > 1}):
            names = ", ".join(r.id for r in matches if r.rank == rank)
            yield f"{message.source}: {names} have rank {rank} and all match: {_short(message.text)}"
        best_rule = matches[0].id if matches else "none"
        if message.rule and message.rule != best_rule:
            yield f"{message.source}: is recognised by {best_rule}, not by {message.rule}: {_short(message.text)}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 160 else f"{flat[:157]}..."  # noqa: PLR2004 - a line


if __name__ == "__main__":
    rules = installed().rules
    all_messages = corpus(rules)
    problems = list(flaws(rules, all_messages))
    for flaw in problems:
        print(flaw, file=sys.stderr)
    print(
        f"{len(all_messages)} messages, {sum(bool(r.patterns) for r in rules)} rules with patterns, {len(problems)} flaws"
    )
    sys.exit(bool(problems))

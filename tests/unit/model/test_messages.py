"""Messages of controllers are bounded where they are read, and nothing reads them elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import fluxdoctor_rules
import pytest

import fluxdoctor
from fluxdoctor.intake import objects
from fluxdoctor.model.resource import Fields, Ref, Resource, bounded

_LONG = "begin " + "x" * 200_000 + " end"
_CUT = f"begin {'x' * 11_994} [... 184,010 characters left out ...] {'x' * 3_996} end"
#: A reader of text, a subscript or a dictionary's get, with a field that holds a message.
_RAW = re.compile(r"""(?:\.text\(|string\([^()]*, |\.get\(|\[)f?["'](?:[\w.{}-]*\.)?(?:message|note)["']""")
#: The gate itself, and a fact of a finding that has passed it.
_GATES = {"resource.py": 1, "root_causes.py": 1}


def test_a_long_message_loses_its_middle() -> None:
    assert [bounded(text) for text in ("", "  a\n", "x" * 16_000, _LONG)] == ["", "a", "x" * 16_000, _CUT]


def test_every_reader_of_a_message_bounds_it() -> None:
    ref = Ref("Kustomization", "apps", "web")
    resource = Resource({"status": {"conditions": [{"type": "Ready", "message": _LONG}]}}, ref=ref)
    event = {
        "kind": "Event",
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p"},
        "message": _LONG,
    }
    new = {"kind": "Event", "metadata": {"name": "e"}, "regarding": {"kind": "Pod", "name": "q"}, "note": _LONG}
    events = objects.read([(event, "a"), (new, "b")]).events
    assert [resource.conditions[0].message, Fields({"a": {"message": _LONG}}).message("a.message")] == [_CUT] * 2
    assert [e.message for rows in events.values() for e in rows] == [_CUT] * 2


def test_nothing_goes_around_the_gate() -> None:
    root = Path(fluxdoctor.__file__).parent
    files = [*root.joinpath("model").rglob("*.py"), *root.joinpath("causes").rglob("*.py"), root / "engine.py"]
    files += Path(fluxdoctor_rules.__file__).parent.rglob("*.py")
    readers = {path.name: len(_RAW.findall(path.read_text("utf-8"))) for path in files}
    assert {name: count for name, count in readers.items() if count} == _GATES


@pytest.mark.parametrize(
    "line",
    [
        'row.text("message")',
        "s.text('state.waiting.message')",
        'string(row, "message")',
        'body["note"]',
        'x.get("a.message")',
    ],
)
def test_a_raw_reader_is_recognised(line: str) -> None:
    assert _RAW.search(line)

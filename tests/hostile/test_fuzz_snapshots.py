"""Damaged snapshots end in a report, a gap or a usage error, with a true exit code, in every format."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path

import yaml

from tests.helpers.worlds import INCIDENTS, NAMES
from tests.hostile.fuzz.campaign import Run, campaign
from tests.hostile.fuzz.mutations import damaged, damaged_text, written

_COUNT = 60
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ABOUT, _OBJECTS = "snapshot.yaml", "cluster/objects.json"


@cache
def files(name: str) -> dict[str, bytes]:
    """Return the files of an incident, with those of the snapshot that it extends."""
    folder = INCIDENTS / name
    own = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    about = yaml.safe_load(own[_ABOUT])
    extends = about.pop("extends", "")
    base = files(extends) if extends else {}
    without = tuple(about.pop("without", None) or ())
    rest = {p: c for p, c in base.items() if p.startswith(("git/", "helm/")) and not p.startswith(without)}
    return {p: c for p, c in {**rest, **own, _ABOUT: yaml.safe_dump(about).encode()}.items() if "/" in p or p == _ABOUT}


def is_data(content: bytes) -> bool:
    """Tell whether a file is JSON or YAML."""
    for read in (json.loads, lambda text: list(yaml.load_all(text, _LOADER))):
        try:
            read(content)
        except (
            yaml.YAMLError,
            ValueError,
            RecursionError,
            AttributeError,
            KeyError,
            TypeError,
        ):  # the last three are PyYAML's, of odd tags
            continue
        return True
    return False


def case(chance: random.Random, folder: Path) -> Run:
    name = chance.choice(NAMES)
    content = dict(files(name))
    target = chance.choice((_OBJECTS, _OBJECTS, _OBJECTS, _ABOUT, chance.choice(sorted(content))))
    notes = [f"{name}, {target}"]
    if target in (_OBJECTS, _ABOUT) and chance.random() < 0.75:
        body = json.loads(content[target]) if target == _OBJECTS else yaml.safe_load(content[target])
        for _ in range(chance.choice((1, 3, 20, 80, 200))):
            body, note = damaged(body, chance)
            notes.append(note)
        content[target] = written(body, chance)
    else:
        content[target], note = damaged_text(content[target], chance)
        notes.append(note)
    for path, text in content.items():
        file = folder / "snapshot" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    is_broken = target == _OBJECTS and not is_data(content[target])
    return Run(("diagnose", "--from", "snapshot"), "; ".join(notes)[:600], is_broken)


def test_damaged_snapshots(tmp_path: Path) -> None:
    wrong = campaign("snapshots", _COUNT, case, tmp_path)
    assert not wrong, wrong

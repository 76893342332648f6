"""Each cascade folds to one finding on the true root, with what it blocks and what it leaves stale, each object once.

A page is written like a rule's. Its findings block holds a line for each finding and, indented, what it blocks, what shares
the cause and what is stale; ``--update`` rewrites them (read the difference).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fluxdoctor.model.finding import Severity
from fluxdoctor.model.flux import KINDS, State, state
from fluxdoctor.testing import Example, parse_examples
from tests.helpers.report_lines import report_lines
from tests.helpers.worlds import rules

PAGES = sorted(Path(__file__).parent.glob("*.md"))
_BLOCK = re.compile(r"(?<=```findings\n).*?(?=```)", re.S)


def load(page: Path) -> list[Example]:
    return list(parse_examples(page.read_text("utf-8"), page.stem))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_cascade(page: Path, request: pytest.FixtureRequest) -> None:
    (example,) = load(page)
    report = example.report(rules())
    text = page.read_text("utf-8")
    if request.config.getoption("--update"):
        page.write_text(_BLOCK.sub(lambda _: report_lines(report), text), "utf-8")
        return
    assert report_lines(report) == example.expected
    named = [ref for f in report.findings if f.severity is not Severity.INFO for ref in (f.subject, *f.also, *f.blocks)]
    assert len(named) == len(set(named)), "an object is named twice"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_nothing_that_fails_is_left_out(page: Path) -> None:
    from fluxdoctor.collect.store import snapshot_folder
    from fluxdoctor.testing import _about

    (example,) = load(page)
    files = {name: text.encode() for name, text in example.files.items()}
    files.setdefault("snapshot.yaml", _about(example.files))
    cluster = snapshot_folder.parse(files, page.stem).cluster
    failing = {r.ref for r in cluster.all(*KINDS) if state(r) is State.FAILED}
    told_of = {ref for f in example.report(rules()).findings for ref in (f.subject, *f.also, *f.blocks)}
    assert failing - told_of == set()

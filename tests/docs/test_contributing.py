"""What CONTRIBUTING.md and the explanation of the fold list is what the program has."""

from __future__ import annotations

import re

import pytest

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.causes.findings import order
from fluxdoctor.collect.store.snapshot_folder import load
from fluxdoctor.model.commands import commands
from fluxdoctor.model.flux import about
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.snapshot import FACTS
from tests.helpers.worlds import ROOT, rules

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def section(heading: str) -> str:
    """Return the text of a section, up to the next heading."""
    return re.split(r"^#+ ", TEXT.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.M)[0]


def test_every_fact_that_a_check_may_ask_for_is_listed() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", section("What a check is"), re.M)
    assert listed == [fact.__name__ for fact in FACTS]


@pytest.mark.parametrize("kind", ["GitRepository", "HelmRelease", "ImageRepository"])
def test_every_name_that_a_template_knows_is_listed(kind: str) -> None:
    ref = Ref(kind, "apps", "web")
    body = {"kind": kind, "spec": {"image": "ghcr.io/acme/web"} if kind == "ImageRepository" else {}}
    names = {*about(Resource(body, ref=ref)), *commands(ref), *ref._asdict()}
    listed = re.findall(r"\{(\w+)\}", section("The front matter of a page").partition("| available for |")[2])
    assert names <= set(listed)


def test_every_key_of_the_order_of_findings_is_listed() -> None:
    snapshot = load(ROOT / "fluxdoctor" / "demo")
    keys = order(diagnose(snapshot, rules()).findings[0], snapshot)
    text = (ROOT / "docs" / "explanation" / "how-the-fold-works.md").read_text("utf-8")
    listed = re.findall(r"^\d+\. ", text.partition("## The order\n")[2], re.M)
    assert len(listed) == len(keys)


def test_every_file_of_the_architecture_exists() -> None:
    """A map that shows a house that is not there is worse than none."""
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    names = {n for n in re.findall(r"`([\w/.-]+(?:\.py|/))`", page) if "<" not in n}
    missing = [n for n in sorted(names) if not any((ROOT / base / n).exists() for base in ("fluxdoctor", "."))]
    assert missing == []


def test_every_function_of_the_architecture_is_in_its_file() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    pairs = re.findall(r"`([\w/.-]+\.py)`\s+\(((?:`\w+`(?:,\s+)?)+)\)", page)
    missing = [
        (file, name)
        for file, names in pairs
        for name in re.findall(r"\w+", names)
        if not re.search(rf"^ *(?:def|class) {name}\b|^{name}\b", (ROOT / "fluxdoctor" / file).read_text("utf-8"), re.M)
    ]
    assert (missing, len(pairs) > 8) == ([], True)

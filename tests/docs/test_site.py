"""The documentation site builds strictly, loads nothing from elsewhere, and holds every rule and every command."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import docsite
import pytest
import reference

import fluxdoctor
from fluxdoctor.cli.main import cli
from tests.helpers.worlds import rules

#: Tags that make a browser load something, and the attribute that says what.
LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("site")
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "tools/docsite.py", str(output)],
        cwd=docsite.ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return output


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        what = said.get(LOADS.get(tag, ""))
        if what and not (tag == "link" and said.get("rel") in ("canonical", "prev", "next", "edit")):
            self.found.append(what)


def test_a_browser_loads_nothing_from_another_host(built: Path) -> None:
    loaded = set()
    for page in built.rglob("*.html"):
        parser = _Loads()
        parser.feed(page.read_text("utf-8"))
        loaded |= set(parser.found)
    assert [what for what in sorted(loaded) if "//" in what] == []
    asking = [p.name for p in built.rglob("*.html") if 'data-md-component="source"' in p.read_text("utf-8")]
    assert asking == [], "the theme's script asks api.github.com where a page names a repository"
    styles = "".join(p.read_text("utf-8") for p in built.rglob("*.css"))
    assert [u for u in re.findall(r"url\(([^)]*)\)", styles) if "//" in u and "data:" not in u] == []


def test_every_rule_has_its_page_and_its_line_in_the_index(built: Path) -> None:
    ids = [r.id for r in rules().rules if r.pack == "fluxdoctor"]
    there = sorted(str(p.relative_to(built / "rules").with_suffix("")) for p in (built / "rules").glob("*/*.html"))
    assert there == ids
    listed = re.findall(r'<td><a href="([^"]+)\.html">', (built / "rules/index.html").read_text("utf-8"))
    assert listed == ids


def test_a_rule_page_shows_what_its_front_matter_says() -> None:
    page = reference.rule_page(
        '---\nseverity: error\nsummary: A | b\nmessage: m\nfix: Set <x> | {y} {z}.\ndefaults: {z: "z"}\nkinds: [Kustomization]\nfield: spec.path\n---\n'
        "# A\n\nWhy.\n\n## Broken: x\n```yaml cluster/k.yaml\na: 1\n```\n```findings\nerror K/a/b: m\n```\n",
        "rules/helm/a.md",
    )
    assert page == (
        "# A\n\n| Rule | `helm/a` |\n|---|---|\n| Severity | error |\n| Speaks of | Kustomization |\n| Field | `spec.path` |\n"
        "| Speaks in | live, replay |\n| Fix | Set &lt;x> \\| &lt;y> z. |\n\n\nWhy.\n\n## Broken: x\n"
        '```yaml title="cluster/k.yaml"\na: 1\n```\n```text title="findings"\nerror K/a/b: m\n```\n'
    )


def test_every_command_and_option_is_in_the_reference() -> None:
    text = reference.commands()
    heads = re.findall(r"^## fluxdoctor ([\w-]+)$", text, re.M)
    assert heads == sorted(cli.commands)
    shown = re.findall(r"^\| `[^|]*--([\w-]+)", text, re.M)
    options = [p.opts[-1].lstrip("-") if p.opts[-1].startswith("--") else p.opts[0].lstrip("-")
               for name in heads for p in cli.commands[name].params if p.opts[0].startswith("-")]  # fmt: skip
    assert sorted(shown) == sorted(options)


@pytest.mark.parametrize(
    ("target", "page"),
    [
        ("../live.md", "../live.md"),
        ("../../README.md#rules", "../index.md#rules"),
        ("../../rules/fluxdoctor_rules/helm/hook-failed.md", "../rules/helm/hook-failed.md"),
        ("../../pyproject.toml", "https://github.com/fluxdoctor/fluxdoctor/blob/main/pyproject.toml"),
        ("https://fluxcd.io", "https://fluxcd.io"),
        ("#here", "#here"),
    ],
)
def test_links(target: str, page: str) -> None:
    known = docsite.sources()
    text = docsite.relinked(
        f"[x]({target}) and\n```sh\n[x]({target})\n```\n", "docs/how-to/ci.md", "how-to/ci.md", known
    )
    assert text == f"[x]({page}) and\n```sh\n[x]({target})\n```\n"


def test_a_link_that_leads_nowhere_ends_the_build() -> None:
    with pytest.raises(docsite.LinkError, match=r"docs/a.md: the target of \[gone.md\] does not exist"):
        docsite.relinked("[x](gone.md)", "docs/a.md", "a.md", docsite.sources())


def test_the_rule_api_says_how_each_name_is_called() -> None:
    text = reference.rule_api()
    assert re.findall(r"^## (\w+)$", text, re.M) == sorted(fluxdoctor.__all__, key=str.lower)
    assert "```python\nUnknown(subject: Ref, why: str, gap: Gap | None = None)\n```\n" in text
    assert "```python\nduration(text: str, default: timedelta) -> timedelta\n```\n" in text
    assert "| `Cluster.saw_all(kind: str, namespace: str = '') -> bool` | Tell whether " in text
    assert "\n`ERROR`, `WARNING`, `INFO`\n" in text
    assert "ForwardRef" not in text

"""Builds the documentation site: ``python tools/docsite.py OUTPUT``.

The pages of ``docs/``, README, CONTRIBUTING, DECISIONS and CHANGELOG, every rule's page, and the reference that is generated from
the program itself go into one folder, which mkdocs builds strictly. Links between files of the repository become links of the
site, or of the repository on GitHub if the site has no such page; a broken link fails the build.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import reference
import yaml

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/fluxdoctor/fluxdoctor"
#: Files outside of docs/ that are pages of the site.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "DECISIONS.md": "explanation/decisions.md",
    "CHANGELOG.md": "changelog.md",
}
#: The folders of rule pages: the rule pack, and the engine's fallbacks.
RULES = ("rules/fluxdoctor_rules/", "fluxdoctor/fallbacks/")
#: The order of the menu; other pages of docs/ come at the end of the reference.
TUTORIALS = ("tutorial/first-five-minutes.md", "tutorial/your-own-rule.md")
EXPLANATION = ("explanation/how-the-fold-works.md", "explanation/what-is-read.md", "live.md", "answers.md", "accuracy.md",
               "performance.md", "explanation/security.md", "explanation/architecture.md",
               "explanation/decisions.md")  # fmt: skip
REFERENCE = ("reference/cli.md", "reference/report.md", "snapshot-folder.md", "reference/rule-api.md")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s]+)\)")
_FENCED = re.compile(r"(^(`{3,})[^\n]*\n.*?^\2[ ]*$)", re.M | re.S)


class LinkError(Exception):
    """The target of a link does not exist."""


def sources() -> dict[str, str]:
    """Return the page of the site for each file of the repository that becomes one."""
    docs = {str(p.relative_to(ROOT)): str(p.relative_to(ROOT / "docs")) for p in sorted((ROOT / "docs").rglob("*.md"))}
    rules = {
        str(page.relative_to(ROOT)): f"rules/{page.relative_to(ROOT / home)}"
        for home in RULES
        for page in sorted((ROOT / home).glob("*/*.md"))
    }
    return {**PAGES, **docs, **rules}


def relinked(text: str, source: str, page: str, page_by_source: dict[str, str]) -> str:
    """Rewrite the links of a page for its place in the site, except in code. Raises LinkError."""
    parts = _FENCED.split(text)
    # split returns text, the fence, its ticks, text, ...
    for i in range(0, len(parts), 3):
        parts[i] = _relinked(parts[i], source, page, page_by_source)
    del parts[2::3]
    return "".join(parts)


def _relinked(text: str, source: str, page: str, page_by_source: dict[str, str]) -> str:
    def target(link: re.Match[str]) -> str:
        return f"[{link['text']}]({_target(link['target'], source, page, page_by_source)})"

    return _LINK.sub(target, text)


def _target(target: str, source: str, page: str, page_by_source: dict[str, str]) -> str:
    path, hash_, anchor = target.partition("#")
    if not path or "://" in path or path.startswith("mailto:"):
        return target
    file = os.path.normpath(Path(source).parent / path)
    page_path = page_by_source.get(file)
    if page_path is None and file.startswith("docs/reference/"):
        page_path = file.removeprefix("docs/")
    if page_path is not None:
        return os.path.relpath(page_path, Path(page).parent) + hash_ + anchor
    if not (ROOT / file).exists():
        raise LinkError(f"{source}: the target of [{target}] does not exist")
    return f"{REPOSITORY}/blob/main/{file}{hash_}{anchor}"


def stage(folder: Path) -> None:
    """Write the pages and the settings of mkdocs into a folder. Raises LinkError."""
    page_by_source = sources()
    pages = folder / "docs"
    for source, page in page_by_source.items():
        text = (ROOT / source).read_text("utf-8")
        if source.startswith(RULES):
            text = reference.rule_page(text, page)
        _write(pages / page, relinked(text, source, page, page_by_source))
    for page, text in reference.pages().items():
        _write(pages / page, text)
    shutil.copy(ROOT / "fluxdoctor/report/schema-1.json", pages / "reference/schema-1.json")
    settings = yaml.safe_load((ROOT / "tools/mkdocs.yml").read_text("utf-8"))
    settings["nav"] = nav(list(page_by_source.values()), list(reference.pages()))
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")


def nav(pages: list[str], generated: list[str]) -> list[object]:
    """Return the site's menu."""
    rules = sorted(p for p in pages if p.startswith("rules/"))
    how_to = [p for p in pages if p.startswith("how-to/")] + ["check.md"]
    placed = {*TUTORIALS, *EXPLANATION, *REFERENCE, *how_to, *rules, *PAGES.values()}
    rest = [p for p in pages if p not in placed]
    areas = sorted({p.split("/")[1] for p in rules})
    catalogue = ["rules/index.md", *({area: [p for p in rules if p.split("/")[1] == area]} for area in areas)]
    assert set(generated) == {"rules/index.md", *REFERENCE} - set(pages), "every generated page has a place"  # noqa: S101
    return [
        {"Home": "index.md"},
        {"Tutorial": list(TUTORIALS)},
        {"How to": how_to},
        {"Reference": [*REFERENCE, *rest]},
        {"Rules": catalogue},
        {"Explanation": list(EXPLANATION)},
        {"Project": ["contributing.md", "changelog.md"]},
    ]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def main(output: Path) -> int:
    """Build the site into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            stage(Path(folder))
        except LinkError as error:
            print(f"site: {error}", file=sys.stderr)
            return 1
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", f"{folder}/mkdocs.yml",
                   "--site-dir", str(output.resolve())]  # fmt: skip
        # The theme's warning about mkdocs 2 is not about this site.
        done = subprocess.run(command, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})  # noqa: S603
    if done.returncode == 0:
        print(f"{output}/index.html")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/site")))

"""Make the documentation site: ``python tools/docsite.py OUTPUT``.

The pages of ``docs/``, README, CONTRIBUTING, DECISIONS and CHANGELOG, every rule's page, and the reference that is generated from
the program itself are put together in a folder that mkdocs then builds, strictly. Links between files of the repository become
links of the site, or of the repository where the site has no such page; one that leads nowhere ends the build.
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
#: Whose pages are rules: those that anyone's pack could be, and the engine's own.
RULES = ("rules/fluxdoctor_rules/", "fluxdoctor/fallbacks/")
#: What comes where; a page of docs/ that is not here is put at the end of the reference.
TUTORIALS = ("tutorial/first-five-minutes.md", "tutorial/your-own-rule.md")
EXPLANATION = ("explanation/how-the-fold-works.md", "explanation/what-is-read.md", "live.md", "answers.md", "accuracy.md",
               "performance.md", "explanation/architecture.md", "explanation/decisions.md")  # fmt: skip
REFERENCE = ("reference/cli.md", "reference/report.md", "snapshot-folder.md", "reference/rule-api.md")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s]+)\)")
_FENCED = re.compile(r"(^(`{3,})[^\n]*\n.*?^\2[ ]*$)", re.M | re.S)


class LinkError(Exception):
    """A link that leads nowhere."""


def sources() -> dict[str, str]:
    """Return the repository's files that become pages, and where."""
    docs = {str(p.relative_to(ROOT)): str(p.relative_to(ROOT / "docs")) for p in sorted((ROOT / "docs").rglob("*.md"))}
    rules = {
        str(page.relative_to(ROOT)): f"rules/{page.relative_to(ROOT / home)}"
        for home in RULES
        for page in sorted((ROOT / home).glob("*/*.md"))
    }
    return {**PAGES, **docs, **rules}


def relinked(text: str, source: str, page: str, known: dict[str, str]) -> str:
    """Rewrite the links of a page for where it stands in the site; code stays as it is. Raises LinkError."""
    parts = _FENCED.split(text)
    # split gives text, the fence, its ticks, text, ...
    out = [part if i % 3 == 1 else _relinked(part, source, page, known) for i, part in enumerate(parts) if i % 3 != 2]  # noqa: PLR2004
    return "".join(out)


def _relinked(text: str, source: str, page: str, known: dict[str, str]) -> str:
    def target(found: re.Match[str]) -> str:
        return f"[{found['text']}]({_target(found['target'], source, page, known)})"

    return _LINK.sub(target, text)


def _target(target: str, source: str, page: str, known: dict[str, str]) -> str:
    path, hash_, anchor = target.partition("#")
    if not path or "://" in path or path.startswith("mailto:"):
        return target
    file = os.path.normpath(Path(source).parent / path)
    place = known.get(file)
    if place is None and file.startswith("docs/reference/"):
        place = file.removeprefix("docs/")
    if place is not None:
        return os.path.relpath(place, Path(page).parent) + hash_ + anchor
    if not (ROOT / file).exists():
        raise LinkError(f"{source}: [{target}] leads nowhere")
    return f"{REPOSITORY}/blob/main/{file}{hash_}{anchor}"


def stage(folder: Path) -> None:
    """Put the pages and the settings of mkdocs into a folder. Raises LinkError."""
    known = sources()
    pages = folder / "docs"
    for source, page in known.items():
        text = (ROOT / source).read_text("utf-8")
        if source.startswith(RULES):
            text = reference.rule_page(text, page)
        _write(pages / page, relinked(text, source, page, known))
    for page, text in reference.pages().items():
        _write(pages / page, text)
    shutil.copy(ROOT / "fluxdoctor/report/schema-1.json", pages / "reference/schema-1.json")
    settings = yaml.safe_load((ROOT / "tools/mkdocs.yml").read_text("utf-8"))
    settings["nav"] = nav(list(known.values()), list(reference.pages()))
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")


def nav(pages: list[str], generated: list[str]) -> list[object]:
    """Return what stands where in the site's menu."""
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
    with tempfile.TemporaryDirectory() as held:
        try:
            stage(Path(held))
        except LinkError as error:
            print(f"site: {error}", file=sys.stderr)
            return 1
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", f"{held}/mkdocs.yml",
                   "--site-dir", str(output.resolve())]  # fmt: skip
        # The theme's word about mkdocs 2 is for its maintainers; it is no warning of this build.
        done = subprocess.run(command, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})  # noqa: S603
    if done.returncode == 0:
        print(f"{output}/index.html")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/site")))

"""The files of a new rule pack, or of a new rule in a pack that exists: a page and a check that run as they are."""

from __future__ import annotations

import keyword
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from fluxdoctor.rule import GROUP, Catalogue

_WORDS = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LABEL = re.compile(r"(?P<label>.+)-label-missing")
_SUMMARY = 60  # characters: the limit that CONTRIBUTING.md sets


class ScaffoldError(Exception):
    """The rule cannot be made; the text says where and what to do."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack: its folder, the importable package, and that package's folder."""

    folder: Path
    package: str
    home: Path


def identify(rule_id: str, catalogue: Catalogue) -> tuple[str, str]:
    """Return area and rule of a new rule's id. Raises ScaffoldError for an invalid id, or one that exists."""
    area, slash, rule = rule_id.partition("/")
    if not slash or not _WORDS.fullmatch(area) or not _WORDS.fullmatch(rule):
        raise ScaffoldError(
            f"{rule_id!r} is not a rule id; use AREA/RULE, in lower case with dashes, such as acme/team-label-missing"
        )
    if area[0].isdigit():
        raise ScaffoldError(f"area {area!r} must begin with a letter: it becomes the name of a Python package")
    if len(rule) > _SUMMARY:
        raise ScaffoldError(f"rule {rule!r} has {len(rule)} characters; the limit is {_SUMMARY}")
    if existing := catalogue.get(rule_id):
        raise ScaffoldError(
            f"rule {rule_id} already exists in {existing.pack}; to show it, run: fluxdoctor explain {rule_id}"
        )
    if owner := next((r.pack for r in catalogue.rules if r.area == area and r.pack == "fluxdoctor"), ""):
        raise ScaffoldError(f"area {area} belongs to {owner}; use the name of your organisation, such as acme/{rule}")
    return area, rule


def plan(rule_id: str, into: Path | None, catalogue: Catalogue) -> dict[Path, str]:
    """Return the files to write and their text; nothing is written yet. Raises ScaffoldError."""
    area, rule = identify(rule_id, catalogue)
    folder = into or Path(f"{area}-flux-rules")
    if folder.exists() and not folder.is_dir():
        raise ScaffoldError(f"{folder} is not a folder; set another one with --into DIR")
    pack = _existing(folder, area)
    files = _rule(pack, area, rule) if pack else _pack(folder, area, rule)
    if existing := [str(path) for path in files if path.exists()]:
        raise ScaffoldError(f"{existing[0]} already exists; use another rule id, or set another folder with --into DIR")
    return files


def write(files: dict[Path, str]) -> None:
    """Write the files. Raises OSError."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)


def _pack(folder: Path, area: str, rule: str) -> dict[Path, str]:
    package = f"{area.replace('-', '_')}_flux_rules"
    about = {"area": area, "entry": area.replace("-", "_"), "package": package, "distribution": f"{area}-flux-rules"}
    home = folder / package
    return {
        folder / "pyproject.toml": _filled("pyproject.toml", about),
        folder / "README.md": _filled("README.md", about),
        home / "__init__.py": _filled("init.py", {"docstring": f"Rules of {area} for fluxdoctor."}),
        **_rule(Pack(folder, package, home), area, rule),
        folder / "tests" / "test_pages.py": _filled("test_pages.py", about),
    }


def _rule(pack: Pack, area: str, rule: str) -> dict[Path, str]:
    label = _LABEL.fullmatch(rule)
    about = {"summary": rule.replace("-", " ").capitalize(), "label": label["label"] if label else "team"}
    place = pack.home / area
    stem = rule.replace("-", "_")
    init = place / "__init__.py"
    marker = {} if init.exists() else {init: _filled("init.py", {"docstring": f"Rules of the area {area}."})}
    return marker | {
        place / f"{rule}.md": _filled("page.md", about),
        place / f"{stem}.py": _filled("check.py", about),
    }


def _filled(name: str, about: dict[str, str]) -> str:
    text = resources.files(__package__).joinpath("templates", f"{name}.tmpl").read_text("utf-8")
    return Template(text).substitute(about)


def _existing(folder: Path, area: str) -> Pack | None:
    """Return the pack in a folder, or None if the folder has no project yet. Raises ScaffoldError."""
    file = folder / "pyproject.toml"
    if not file.exists():
        return None
    packages = _packages(file)
    homes = [(package, home) for package in packages if (home := _home(folder, package))]
    if not homes:
        raise ScaffoldError(f"{file}: package {' or '.join(packages)} does not exist below {folder}")
    package, home = next(((p, h) for p, h in homes if (h / area).is_dir()), homes[0])
    return Pack(folder, package, home)


def _packages(file: Path) -> list[str]:
    try:
        project: Any = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScaffoldError(f"{file}: cannot be read: {error}") from None
    for key in ("project", "entry-points", GROUP):
        project = project.get(key) if isinstance(project, dict) else None
    names = [str(value).partition(":")[0] for value in project.values()] if isinstance(project, dict) else []
    valid = [name for name in names if all(p.isidentifier() and not keyword.iskeyword(p) for p in name.split("."))]
    if not valid:
        raise ScaffoldError(
            f'{file} is not a rule pack: it has no [project.entry-points."{GROUP}"] that names a package.\n'
            "Add one, or create a new pack with --into DIR."
        )
    return valid


def _home(folder: Path, package: str) -> Path | None:
    """Find the package: beside the project file, in src, or in another folder at the top."""
    path = Path(*package.split("."))
    beside = [folder, folder / "src", *sorted(d for d in folder.iterdir() if d.is_dir() and d.name[0] not in "._")]
    return next((base / path for base in beside if (base / path / "__init__.py").is_file()), None)

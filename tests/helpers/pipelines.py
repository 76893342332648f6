"""The pipeline definitions of the repository, read as their runners read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_GITLAB = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*\]\]")


@dataclass(frozen=True)
class Step:
    """One step of the composite action, with its expressions put in."""

    name: str
    env: Mapping[str, str]
    run: str


def action() -> dict[str, Any]:
    """Return action.yml."""
    return dict(yaml.safe_load((ROOT / "action.yml").read_text("utf-8")))


def steps(**given: str) -> Iterator[Step]:
    """Yield the action's steps for these inputs (dashes as underscores), the defaults for the others."""
    body = action()
    inputs = {name: str(about.get("default", "")) for name, about in body["inputs"].items()}
    unknown = {name.replace("_", "-") for name in given} - set(inputs)
    assert not unknown, f"action.yml has no input {unknown}"
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    known = {f"inputs.{name}": value for name, value in inputs.items()} | {"github.action_path": str(ROOT)}
    for step in body["runs"]["steps"]:
        assert step["shell"] == "bash"
        env = {name: _EXPRESSION.sub(lambda f: known[f[1]], value) for name, value in step["env"].items()}
        assert not _EXPRESSION.search(step["run"]), "an expression in a script is an injection: pass it by env"
        yield Step(step["name"], env, step["run"])


def gitlab(**given: str) -> dict[str, Any]:
    """Return the job of the GitLab component for these inputs."""
    head, job = (ROOT / "templates/check.yml").read_text("utf-8").split("\n---\n")
    inputs = {name: about.get("default") for name, about in yaml.safe_load(head)["spec"]["inputs"].items()}
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    missing = [name for name, value in inputs.items() if value is None]
    assert not missing, f"templates/check.yml asks for {missing}"
    return dict(yaml.safe_load(_GITLAB.sub(lambda found: str(inputs[found[1]]), job))["fluxdoctor"])


@dataclass(frozen=True)
class Instruction:
    """One instruction of the Containerfile, with the stage that it is in."""

    stage: str
    word: str
    rest: str


def containerfile() -> list[Instruction]:
    """Return the instructions of the Containerfile in order; a stage without a name is called by its number."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Containerfile").read_text("utf-8"))
    found: list[Instruction] = []
    stage, number = "", -1
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word == "FROM":
            number += 1
            name = re.search(r" AS (\w+)$", rest)
            stage = name[1] if name else str(number)
        found.append(Instruction(stage, word, rest.strip()))
    return found

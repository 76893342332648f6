"""The commands of the documentation, as a reader types them: ``console`` blocks are run, files that a page shows are written.

A block that begins with ```` ```LANGUAGE title="PATH" ```` is a file. In a ``console`` block ``$ `` begins a command and ``> ``
goes on with it; the lines after it are what it prints, where ``...`` stands for any lines, and at the end of
a line for the rest of it. A page says in its front matter what
it needs beside fluxdoctor: ``needs: [cluster, kustomize]``. ``sh`` blocks are not run.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<info>[^\n`]+)\n(?P<text>.*?)^(?P=ticks)[ ]*$", re.M | re.S)
_TITLE = re.compile(r'\w+ title="(?P<path>[^"]+)"')
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.S)
_SECONDS = 180


@dataclass(frozen=True)
class Command:
    """One command, and the lines that the page says it prints."""

    text: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """A file that the page has the reader write."""

    path: str
    text: str


def needs(page: Path) -> frozenset[str]:
    """Return what a page needs beside fluxdoctor."""
    front = _FRONT.match(page.read_text("utf-8"))
    return frozenset((yaml.safe_load(front[1]) or {}).get("needs", ())) if front else frozenset()


def steps(page: Path) -> Iterator[Command | File]:
    """Yield what a reader of the page does, in order."""
    for fence in _FENCE.finditer(page.read_text("utf-8")):
        if title := _TITLE.fullmatch(fence["info"]):
            yield File(title["path"], fence["text"])
        elif fence["info"] == "console":
            yield from _commands(fence["text"])


def _commands(block: str) -> Iterator[Command]:
    text, shown = "", list[str]()
    for line in block.splitlines():
        if line.startswith("$ "):
            if text:
                yield Command(text, tuple(shown))
            text, shown = line[2:], []
        elif line.startswith("> ") and not shown:
            text += "\n" + line[2:]
        else:
            shown.append(line)
    yield Command(text, tuple(shown))


def follow(page: Path, folder: Path, env: Mapping[str, str]) -> list[str]:
    """Do what the page says, in a folder; return what did not go as it says."""
    wrong = []
    for step in steps(page):
        if isinstance(step, File):
            path = folder / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, "utf-8")
            continue
        done = subprocess.run(  # noqa: S603 - what our own pages say
            ["bash", "-c", step.text],  # noqa: S607 - whichever bash
            cwd=folder, env=dict(env), capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        said = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
        if done.returncode not in (0, 1, 3) or (done.returncode and not step.shown):
            wrong.append(f"$ {step.text}\nexit code {done.returncode}:\n" + "\n".join(said))
        elif step.shown and not matches(step.shown, said):
            wrong.append(f"$ {step.text}\nprints:\n" + "\n".join(said) + "\nthe page shows:\n" + "\n".join(step.shown))
    return wrong


def matches(shown: tuple[str, ...], said: list[str]) -> bool:
    """Tell whether the lines are those that the page shows; a line of dots stands for any number of lines."""
    lines = "".join("(?:.*\n)*" if line == "..." else f"{_line(line.rstrip())}\n" for line in shown)
    return re.fullmatch(lines, "".join(f"{line}\n" for line in said)) is not None


def _line(shown: str) -> str:
    return f"{re.escape(shown.removesuffix('...'))}.*" if shown.endswith("...") else re.escape(shown)

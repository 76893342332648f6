"""What is installed is what the locks say: every package by its hash, for every Python that the program runs with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers import pipelines
from tests.helpers.pipelines import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUN, BUILD, DEVELOPMENT = "requirements.lock", "requirements-build.lock", "requirements-dev.lock"
_ENTRY = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>.*(?:\n[ ]+.*)*)", re.M)
_DIGEST = re.compile(r"--hash=(sha256:[0-9a-f]{64})(?![0-9a-f])")


@dataclass(frozen=True)
class Entry:
    """A package of a lock; ``requested`` where pyproject.toml asks for it itself."""

    version: str
    hashes: tuple[str, ...]
    requested: bool


def lock(text: str) -> dict[str, tuple[Entry, ...]]:
    """Return the packages of a lock; one may have several versions, for several Pythons."""
    entries: dict[str, tuple[Entry, ...]] = {}
    for m in _ENTRY.finditer(text):
        is_requested = bool(re.search(r"pyproject\.toml|fluxdoctor:\w+", m["rest"]))
        entry = Entry(m["version"], tuple(_DIGEST.findall(m["rest"])), is_requested)
        entries[m["name"]] = (*entries.get(m["name"], ()), entry)
    return entries


def read(name: str) -> dict[str, tuple[Entry, ...]]:
    return lock((ROOT / name).read_text("utf-8"))


def group(name: str) -> Iterator[str]:
    """Yield the requirements of a dependency group, with those of the groups that it includes."""
    for item in PROJECT["dependency-groups"][name]:
        if isinstance(item, Mapping):
            yield from group(item["include-group"])
        else:
            yield item


def requested(name: str) -> list[str]:
    """Return what pyproject.toml asks for that a lock is made of."""
    own: Any = PROJECT["project"]["dependencies"]
    return {RUN: [*own], BUILD: [*group("build")], DEVELOPMENT: [*own, *group("dev")]}[name]


def disagreements(requirements: list[str], entries: Mapping[str, tuple[Entry, ...]]) -> list[str]:
    """Return where a lock is not what pyproject.toml asks for, as a reader would be told."""
    names: dict[str, Requirement] = {canonicalize_name(r.name): r for r in map(Requirement, requirements)}
    wrong = [f"{name} is not locked" for name in names if name not in entries]
    for name, versions in entries.items():
        for entry in versions:
            if entry.requested and name not in names:
                wrong.append(f"{name} is locked, and nothing asks for it")
            elif name in names and not names[name].specifier.contains(entry.version, prereleases=True):
                wrong.append(f"{name}=={entry.version} is locked, {names[name]} is asked for")
    return sorted(wrong)


@pytest.mark.parametrize("name", [RUN, BUILD, DEVELOPMENT])
def test_a_lock_is_what_pyproject_asks_for(name: str) -> None:
    assert disagreements(requested(name), read(name)) == [], "make lock"


@pytest.mark.parametrize("name", [RUN, BUILD, DEVELOPMENT])
def test_every_package_has_its_hashes(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    pins = re.findall(r"^[^\s#]\S*", text, re.M)
    entries = read(name)
    assert [pin for pin in pins if "==" not in pin] == []
    assert len(pins) == sum(map(len, entries.values()))
    assert [n for n, versions in entries.items() for entry in versions if not entry.hashes] == []


def test_the_program_runs_with_what_the_tests_run_with() -> None:
    development = {(name, e.version, e.hashes) for name, versions in read(DEVELOPMENT).items() for e in versions}
    other = {
        (name, e.version)
        for file in (RUN, BUILD)
        for name, versions in read(file).items()
        for e in versions
        if (name, e.version, e.hashes) not in development
    }
    assert other == set()


def test_a_lock_is_for_every_python_of_the_project() -> None:
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    heads = [(ROOT / name).read_text("utf-8").splitlines()[1] for name in (RUN, BUILD, DEVELOPMENT)]
    assert [h for h in heads if f"--universal --generate-hashes --python-version {oldest} " not in h] == []


def test_a_disagreement_is_told() -> None:
    entries = lock(
        f"a==1.0 \\\n    --hash=sha256:{'0' * 64}\n    # via fluxdoctor (pyproject.toml)\nb==2.0\n    # via a\n"
    )
    assert entries == {"a": (Entry("1.0", (f"sha256:{'0' * 64}",), True),), "b": (Entry("2.0", (), False),)}
    assert disagreements(["A>=1"], entries) == []
    assert disagreements(["a>=1.1", "c"], entries) == ["a==1.0 is locked, a>=1.1 is asked for", "c is not locked"]
    assert disagreements(["b"], {**entries, "b": (Entry("2.0", (), True),)}) == ["a is locked, and nothing asks for it"]


def scripts() -> dict[str, str]:
    """Return the text of everything of this project that installs it."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return {
        "Makefile": re.sub(r"^\S.*", "", makefile, flags=re.M).replace("$(INSTALL)", "pip install"),
        "action.yml": "\n".join(step.run for step in pipelines.steps()).replace('"${pip[@]}"', "pip"),
        "Containerfile": "\n".join(i.rest for i in pipelines.containerfile() if i.word == "RUN"),
    }


@pytest.mark.parametrize("name", ["Makefile", "action.yml", "Containerfile"])
def test_whatever_is_installed_has_a_hash_or_is_this_project(name: str) -> None:
    """Without --no-build-isolation pip fetches what builds the project, by no hash."""
    commands = re.findall(r"pip (?:install|wheel) [^\n&]*", scripts()[name].replace("-m pip ", "pip "))
    assert len(commands) >= 3
    free = [c for c in commands if "--require-hashes" not in c]
    assert [c for c in free if "--no-deps" not in c] == []
    assert [c for c in free if "--no-build-isolation" not in c and ".whl" not in c] == []


def test_kustomize_is_built_of_modules_with_a_hash() -> None:
    module = ROOT / "tools" / "kustomize"
    required = re.findall(r"^\s+(\S+) (v\S+)", (module / "go.mod").read_text("utf-8"), re.M)
    sums = (module / "go.sum").read_text("utf-8")
    assert ("sigs.k8s.io/kustomize/kustomize/v5", "v5.8.1") in required
    assert [m for m in required if f"{m[0]} {m[1]} h1:" not in sums] == []
    script = (ROOT / "tools" / "kustomize.sh").read_text("utf-8")
    assert re.findall(r"go (?:install|get|run)", script) == []
    assert "-mod=readonly" in script


def test_the_actions_of_the_example_are_commits() -> None:
    workflow = yaml.safe_load((ROOT / "examples/github/.github/workflows/fleet.yml").read_text("utf-8"))
    uses = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    others = [u for u in uses if not u.startswith("fluxdoctor/")]
    assert len(others) == 2
    assert [u for u in others if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", u)] == []

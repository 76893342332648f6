"""A virtual environment above the one of the tests: packages are installed into it as a user does, and are gone with it."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

#: The programs of the documentation, each a module of Python.
_PROGRAMS = {"fluxdoctor": "fluxdoctor", "pip": "pip", "pytest": "pytest", "pre-commit": "pre_commit"}


@dataclass(frozen=True)
class Overlay:
    """An environment with all that the tests have, and room for more."""

    folder: Path

    def env(self, **more: str) -> dict[str, str]:
        """Return the variables of a shell in it; pip takes nothing from an index."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        pip = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "false", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "PIP_", "GIT_")) and k != "NO_COLOR"
        }
        return {**clean, "PATH": path, "VIRTUAL_ENV": str(self.folder), "COLUMNS": "100", **pip, **more}

    def run(self, program: str, *args: str, cwd: Path) -> str:
        """Run a program of it; return what it printed. Fails where it fails."""
        done = subprocess.run(  # noqa: S603 - a program of the environment
            [self.folder / "bin" / program, *args],
            cwd=cwd, env=self.env(), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{program} {' '.join(args)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout


def make(folder: Path) -> Overlay:
    """Make an environment in a folder."""
    venv.create(folder, with_pip=False, symlinks=True)
    below = next(p for p in sys.path if p.endswith("site-packages") and p not in site.getusersitepackages())
    packages = next(folder.glob("lib/python*/site-packages"))
    # addsitedir also reads the .pth files there, such as the one of an editable install.
    (packages / "below.pth").write_text(f"import site; site.addsitedir({below!r})\n")
    for program, module in _PROGRAMS.items():
        script = folder / "bin" / program
        script.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m {module} "$@"\n')
        script.chmod(0o755)
    return Overlay(folder)


@pytest.fixture
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Overlay:
    """Lend an environment to a test."""
    return make(tmp_path_factory.mktemp("overlay"))

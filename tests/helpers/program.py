"""The program as a user starts it, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.helpers.worlds import INCIDENTS


def run(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "fluxdoctor", *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "100", **env},
        timeout=60,
    )


def replay(name: str, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run("diagnose", "--from", str(INCIDENTS / name), *args, **env)

"""Debian packages that servers of the tests need: installed where that is possible, else named in the reason to skip."""

from __future__ import annotations

import os
import shutil
import subprocess


def program(name: str, package: str) -> str | None:
    """Return the path of a program; install its Debian package when it is absent and we are root. None where neither works."""
    found = _which(name)
    if found or os.geteuid() != 0 or not shutil.which("apt-get"):
        return found
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
    ):
        try:
            subprocess.run(command, env=env, check=False, capture_output=True, timeout=300)
        except subprocess.TimeoutExpired:
            break
    return _which(name)


def _which(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

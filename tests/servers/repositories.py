"""Git repositories made for a test, with commits of a fixed date: the same content is the same commit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}


def git(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in a repository; return what it printed."""
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], input=stdin, env=ENV, check=True, capture_output=True, timeout=60
    )
    return done.stdout.decode().strip()


def empty(path: Path) -> Path:
    """Make a bare repository without a commit."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "--initial-branch=main")
    git(path, "config", "uploadpack.allowFilter", "true")
    return path


def commit(
    repository: Path, files: Mapping[str, bytes | str], *, branch: str = "main", links: Mapping[str, str] | None = None,
    modules: Mapping[str, str] | None = None, parent: str = "",
) -> str:  # fmt: skip
    """Commit files (symbolic ``links`` and submodule commits in ``modules`` too) to a branch; return the commit."""
    index = repository / "new-index"
    rows = []
    for path, content in files.items():
        raw = content if isinstance(content, bytes) else content.encode()
        rows.append(f"100644 {git(repository, 'hash-object', '-w', '--stdin', stdin=raw)}\t{path}")
    for path, target in (links or {}).items():
        rows.append(f"120000 {git(repository, 'hash-object', '-w', '--stdin', stdin=target.encode())}\t{path}")
    rows += [f"160000 {module}\t{path}" for path, module in (modules or {}).items()]
    env = {**ENV, "GIT_INDEX_FILE": str(index)}
    base = ["git", "-C", str(repository)]
    subprocess.run(
        [*base, "update-index", "--add", "--index-info"], input="\n".join(rows).encode() + b"\n", env=env, check=True
    )
    tree = subprocess.run([*base, "write-tree"], env=env, check=True, capture_output=True).stdout.decode().strip()
    index.unlink()
    made = git(repository, "commit-tree", tree, "-m", "a commit", *(("-p", parent) if parent else ()))
    git(repository, "update-ref", f"refs/heads/{branch}", made)
    return made


def filled(path: Path, files: Mapping[str, bytes | str]) -> tuple[Path, str]:
    """Make a bare repository with one commit on main; return it and the commit."""
    repository = empty(path)
    return repository, commit(repository, files)

"""Runs kustomize: the one on PATH, else kubectl's. It gets no network, no plug-ins and no way out of its tree."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

_SECONDS = 120
#: Of address space: a build of a large repository takes a tenth of it.
_BYTES = 4 << 30
_NO_MEMORY = (b"cannot allocate memory", b"out of memory")
ABSENT = (
    "neither kustomize nor kubectl is on PATH, so nothing was rendered: install kustomize "
    "(https://kubectl.docs.kubernetes.io/installation/kustomize/), or put kubectl on PATH"
)
#: A file beside every kustomization file that is built: of Kubernetes' OpenAPI document, how lists are merged.
MERGE_KEYS = ".fluxdoctor-merge-keys.json"
_FLAGS = ("--load-restrictor", "LoadRestrictionsNone")
# A remote base is taken out of the tree before; should one be missed, nothing answers it.
_OFFLINE = {"GIT_ALLOW_PROTOCOL": "none", "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


@dataclass(frozen=True)
class Output:
    """What kustomize wrote, or why it failed, in the words in which kustomize-controller would say it."""

    text: str = ""
    error: str = ""


def command() -> tuple[str, ...]:
    """Return the command that builds a directory; () when there is none on PATH."""
    if found := shutil.which("kustomize"):
        return (found, "build")
    if found := shutil.which("kubectl"):
        return (found, "kustomize")
    return ()


@lru_cache(1)
def _merge_keys() -> bytes:
    return gzip.decompress(resources.files("fluxdoctor").joinpath("schemas", "merge-keys.json.gz").read_bytes())


class Stage:
    """A temporary copy of an artifact's files, in which directories are built. It removes itself."""

    def __init__(self, files: Mapping[str, bytes], run: tuple[str, ...]) -> None:
        """Write the files. ``run`` is what command() found."""
        self._held = tempfile.TemporaryDirectory(prefix="fluxdoctor-")
        # kustomize names real paths in its messages.
        self.root = Path(self._held.name).resolve() / "tree"
        self._run = run
        self._count = 0
        made: set[Path] = set()
        for path, content in files.items():
            at = self.root / path
            if at.parent not in made:
                at.parent.mkdir(parents=True, exist_ok=True)
                made.add(at.parent)
            at.write_bytes(content)
        self.root.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Remove the files."""
        self._held.cleanup()

    def write(self, path: str, body: Any) -> None:
        """Replace a file of the copy by one or several documents (JSON is YAML)."""
        documents = body if isinstance(body, list) else [body]
        (self.root / path).write_bytes(b"\n---\n".join(map(orjson.dumps, documents)))

    def build(self, directory: str, kustomization: Mapping[str, Any], number: int) -> Output:
        """Build a directory with this kustomization file in the place of its own.

        The directory is shadowed by one beside it that links to its content: the same directory may be built with
        other fields, or be the base of another, at the same time.
        """
        real = self.root / directory
        shadow = real.parent / f".fluxdoctor-{number}"
        try:
            shadow.mkdir()
            for child in real.iterdir():
                if child.name not in ("kustomization.yaml", "kustomization.yml", "Kustomization"):
                    (shadow / child.name).symlink_to(child)
            (shadow / MERGE_KEYS).write_bytes(_merge_keys())
            (shadow / "kustomization.yaml").write_bytes(orjson.dumps(kustomization))
            return self._built(shadow, directory)
        except OSError as error:
            return Output(error=f"kustomize build failed: {error.strerror}")
        finally:
            shutil.rmtree(shadow, ignore_errors=True)

    def _built(self, shadow: Path, directory: str) -> Output:
        environment = {k: v for k, v in os.environ.items() if k in ("PATH", "TMPDIR", "LANG")} | _OFFLINE
        # Many short builds: less work for Go's garbage collector.
        environment |= {"HOME": self._held.name, "GOGC": "400"}
        try:
            code, text, said = _run([*self._run, *_FLAGS, str(shadow)], environment, self._held.name)
        except subprocess.TimeoutExpired:
            return Output(error=f"kustomize build failed: took longer than {_SECONDS} s")
        if code == 0:
            return Output(text=text.decode("utf-8", "replace"))
        if any(words in said for words in _NO_MEMORY):
            return Output(error=f"kustomize build failed: took more than {_BYTES >> 30} GiB of memory")
        return Output(error=f"kustomize build failed: {self._plain(said, shadow, directory)}")

    def _plain(self, said: bytes, shadow: Path, directory: str) -> str:
        """Name the files as the controller does: below /tmp/kustomization-<number>, its own temporary directory."""
        text = said.decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if line and not line.startswith("# Warning")]
        text = " ".join(lines).removeprefix("Error: ").removeprefix("error: ")
        tree = "/tmp/kustomization-0"  # noqa: S108 - a name in a message, no file
        text = text.replace(str(shadow), f"{tree}/{directory}".rstrip("/"))
        text = re.sub(r"(?:\.\./)*\.fluxdoctor-\d+", directory or ".", text)
        return text.replace(str(self.root), tree)


def _run(argv: list[str], environment: Mapping[str, str], folder: str) -> tuple[int, bytes, bytes]:
    """Run a build within its time and memory; return its exit code and what it wrote. Raises TimeoutExpired, OSError."""
    with subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=folder
    ) as process:
        try:
            _bound(process.pid)
            text, said = process.communicate(timeout=_SECONDS)
        except BaseException:
            process.kill()
            raise
    return process.returncode, text, said


def _bound(pid: int) -> None:
    """Take memory from a build that wants all of it (aliases of aliases): only Linux can do that to another process."""
    if sys.platform == "linux":
        import resource

        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, (_BYTES, _BYTES))


def split(text: str) -> list[str]:
    """Split what kustomize writes into its documents."""
    return [part for part in re.split(r"^---\n", text, flags=re.M) if part.strip()]

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

_SECONDS = 120
#: Bytes of addresses: kustomize-controller itself has 1 GiB of memory by default.
_MEMORY = 4 << 30
_NO_MEMORY = b"fatal error: out of memory"  # the Go runtime
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
            code, out, err = self._run_within([*self._run, *_FLAGS, str(shadow)], environment)
        except subprocess.TimeoutExpired:
            return Output(error=f"kustomize build failed: took longer than {_SECONDS} s")
        if code == 0:
            return Output(text=out.decode("utf-8", "replace"))
        if _NO_MEMORY in err:
            return Output(error=f"kustomize build failed: it takes more than {_MEMORY >> 30} GiB of memory")
        return Output(error=f"kustomize build failed: {self._plain(err, shadow, directory)}")

    def _run_within(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
        """Run kustomize within bounds of time and memory. Raises TimeoutExpired, and OSError where it cannot start."""
        with subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            cwd=self._held.name,
        ) as running:  # fmt: skip
            if sys.platform == "linux":
                import resource

                with contextlib.suppress(OSError):  # it has ended, or has a lower limit
                    resource.prlimit(running.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            try:
                out, err = running.communicate(timeout=_SECONDS)
            except BaseException:
                running.kill()
                raise
        return running.returncode, out, err

    def _plain(self, said: bytes, shadow: Path, directory: str) -> str:
        """Name the files as the controller does: below /tmp/kustomization-<number>, its own temporary directory."""
        text = said.decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if line and not line.startswith("# Warning")]
        text = " ".join(lines).removeprefix("Error: ").removeprefix("error: ")
        tree = "/tmp/kustomization-0"  # noqa: S108 - a name in a message, no file
        text = text.replace(str(shadow), f"{tree}/{directory}".rstrip("/"))
        text = re.sub(r"(?:\.\./)*\.fluxdoctor-\d+", directory or ".", text)
        return text.replace(str(self.root), tree)


def split(text: str) -> list[str]:
    """Split what kustomize writes into its documents."""
    return [part for part in re.split(r"^---\n", text, flags=re.M) if part.strip()]

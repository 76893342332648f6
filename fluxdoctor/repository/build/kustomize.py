"""Runs kustomize: the one on PATH, else kubectl's. It gets no network, no plug-ins and no way out of its tree."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

from fluxdoctor.collect.net import process
from fluxdoctor.collect.net.deadline import Deadline, DeadlineError

_SECONDS = 120
#: What a build may print, and the bytes of addresses it may take: kustomize-controller itself has 1 GiB of memory by default.
_MOST, _MEMORY = 512 << 20, 4 << 30
_NO_MEMORY = ("cannot allocate memory", "out of memory")  # the Go runtime
#: Linux's file system in memory, what must be left of it, and how many times the size of an artifact must be free.
MEMORY_DISK, _SPARE, _TIMES = "/dev/shm", 32 << 20, 4  # noqa: S108 - the folder in it is made for us alone
ABSENT = (
    "neither kustomize nor kubectl is on PATH, so nothing was rendered: install kustomize "
    "(https://kubectl.docs.kubernetes.io/installation/kustomize/), or put kubectl on PATH"
)
#: A file beside every kustomization file that is built: of Kubernetes' OpenAPI document, how lists are merged.
MERGE_KEYS = ".fluxdoctor-merge-keys.json"
_FLAGS = ("--load-restrictor", "LoadRestrictionsNone")
#: Where something was in kustomize's memory (5.8 prints a generator so): other in each run, and of use to nobody.
_POINTER = re.compile(r"\b0x[0-9a-f]{6,}\b")
_LOGGED = re.compile(
    r'^E\d{4} [^\n]*\] "command failed" err=(?:<\n(?P<lines>.*?)\n\s*>|(?P<quoted>".*"))$', re.M | re.S
)
# A remote base is taken out of the tree before; should one be missed, nothing answers it.
_OFFLINE = {"GIT_ALLOW_PROTOCOL": "none", "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


@dataclass(frozen=True)
class Output:
    """What kustomize wrote, or why it failed, in the words in which kustomize-controller would say it."""

    text: str = ""
    error: str = ""
    stopped: str = ""
    """Why it was not let come to its end: then nothing is known of the build."""


def command() -> tuple[str, ...]:
    """Return the command that builds a directory; () when there is none on PATH."""
    if found := shutil.which("kustomize"):
        return (found, "build")
    if found := shutil.which("kubectl"):
        return (found, "kustomize")
    return ()


@dataclass(frozen=True, slots=True)
class Command:
    """The command that builds a directory, () where there is none, and until when builds may run."""

    argv: tuple[str, ...] = ()
    deadline: Deadline | None = None

    def __bool__(self) -> bool:
        return bool(self.argv)


@lru_cache(1)
def _merge_keys() -> bytes:
    return gzip.decompress(resources.files("fluxdoctor").joinpath("schemas", "merge-keys.json.gz").read_bytes())


def _in_memory(size: int) -> str | None:
    """Return a folder in memory for that many bytes, None where there is none, or where TMPDIR asks for another place.

    A build writes a handful of small files and links, and removes them: on a disk that is a sixth of the time of a check.
    """
    if os.environ.get("TMPDIR") or not os.access(MEMORY_DISK, os.W_OK | os.X_OK):
        return None
    held = os.statvfs(MEMORY_DISK)
    return MEMORY_DISK if held.f_bavail * held.f_frsize > _SPARE + _TIMES * size else None


class Stage:
    """A temporary copy of an artifact's files, in which directories are built. It removes itself.

    A file is written when a build needs it: a run that has kept most builds has few left to make.
    """

    def __init__(self, files: Mapping[str, bytes], run: Command) -> None:
        """Write nothing yet."""
        self._files = files
        self._written: set[str] = set()
        self._lock = threading.Lock()
        self._held = tempfile.TemporaryDirectory(prefix="fluxdoctor-", dir=_in_memory(sum(map(len, files.values()))))
        # kustomize names real paths in its messages.
        self.root = Path(self._held.name).resolve() / "tree"
        self._run = run
        self._folders: set[Path] = set()
        self.root.mkdir(parents=True)

    def need(self, paths: Iterable[str]) -> bool:
        """Write these files where they are not there yet; tell whether any was not."""
        with self._lock:
            missing = [path for path in paths if path not in self._written]
            for path in missing:
                self._put(path, self._files[path])
        return bool(missing)

    def _put(self, path: str, content: bytes) -> None:
        at = self.root / path
        if at.parent not in self._folders:
            at.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(at.parent)
        at.write_bytes(content)
        self._written.add(path)

    def close(self) -> None:
        """Remove the files."""
        self._held.cleanup()

    def write(self, path: str, body: Any) -> None:
        """Replace a file of the copy by one or several documents (JSON is YAML)."""
        documents = body if isinstance(body, list) else [body]
        with self._lock:
            self._put(path, b"\n---\n".join(map(orjson.dumps, documents)))

    def build(self, directory: str, kustomization: Mapping[str, Any], number: int) -> Output:
        """Build a directory with this kustomization file in the place of its own.

        The directory is shadowed by one beside it that links to its content: the same directory may be built with
        other fields, or be the base of another, at the same time. Raises DeadlineError when the time of the run is over.
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
        limit = self._run.deadline.within(_SECONDS) if self._run.deadline else Deadline(_SECONDS)
        try:
            argv = [*self._run.argv, *_FLAGS, str(shadow)]
            done = process.run(argv, Path(self._held.name), environment, process.Limits(limit, _MOST, memory=_MEMORY))
        except DeadlineError:
            if self._run.deadline:
                self._run.deadline.check()
            return Output(stopped=f"it took longer than {_SECONDS} s")
        except process.TooMuchError:
            return Output(stopped=f"it is larger than {_MOST >> 20} MiB")
        if done.code == 0:
            return Output(text=done.out.decode("utf-8", "replace"))
        if any(words in done.err for words in _NO_MEMORY):
            return Output(stopped=f"it took more than {_MEMORY >> 30} GiB of memory")
        return Output(error=f"kustomize build failed: {self._plain(done.err, shadow, directory)}")

    def _plain(self, text: str, shadow: Path, directory: str) -> str:
        """Name the files as the controller does: below /tmp/kustomization-<number>, its own temporary directory."""
        text = unlogged(text)
        lines = [line for line in text.splitlines() if line and not line.startswith("# Warning")]
        text = " ".join(lines).removeprefix("Error: ").removeprefix("error: ")
        tree = "/tmp/kustomization-0"  # noqa: S108 - a name in a message, no file
        text = text.replace(str(shadow), f"{tree}/{directory}".rstrip("/"))
        text = re.sub(r"(?:\.\./)*\.fluxdoctor-\d+", directory or ".", text)
        text = _POINTER.sub("0x...", text)
        return text.replace(str(self.root), tree)


def unlogged(text: str) -> str:
    """Take a failure out of the log line in which kubectl says it (1.33, klog): it is quoted, or between < and >."""
    found = _LOGGED.search(text)
    if not found:
        return text
    if found["lines"] is not None:
        return "\n".join(line.removeprefix("\t") for line in found["lines"].splitlines())
    try:
        return str(orjson.loads(found["quoted"]))
    except ValueError:
        return found["quoted"].strip('"')


def split(text: str) -> list[str]:
    """Split what kustomize writes into its documents."""
    return [part for part in re.split(r"^---\n", text, flags=re.M) if part.strip()]

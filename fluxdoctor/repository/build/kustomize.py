"""Runs kustomize from PATH, or the one in kubectl, without network or plug-ins and confined to its tree."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

from fluxdoctor.collect import temporary
from fluxdoctor.collect.net import process
from fluxdoctor.collect.net.deadline import Deadline, DeadlineError
from fluxdoctor.intake import masking
from fluxdoctor.intake.redact import Redactor

_SECONDS = 120
_SHORTEST_VALUE = 8  # a shorter value is part of too many words that are not secret
#: Limits of a build in bytes: its output, and its address space. kustomize-controller itself has 1 GiB of memory by default.
_MAX_OUTPUT, _MAX_MEMORY = 512 << 20, 4 << 30
_NO_MEMORY = ("cannot allocate memory", "out of memory")  # the Go runtime
#: Linux's file system in memory; it must have these bytes free, plus this many times the size of the artifact.
MEMORY_DISK = os.environ.get("FLUXDOCTOR_MEMORY_DISK", "/dev/shm")  # noqa: S108 - the folder in it is private  # nosec B108
_RESERVE, _SIZE_FACTOR = 32 << 20, 4
ABSENT = (
    "neither kustomize nor kubectl is on PATH, so nothing was rendered: install kustomize "
    "(https://kubectl.docs.kubernetes.io/installation/kustomize/), or put kubectl on PATH"
)
#: A file beside every kustomization file that is built. It has the part of Kubernetes' OpenAPI document about merging lists.
MERGE_KEYS = ".fluxdoctor-merge-keys.json"
_FLAGS = ("--load-restrictor", "LoadRestrictionsNone")
#: An address in kustomize's memory (5.8 prints it for a generator). It differs in each run and helps no reader.
_POINTER = re.compile(r"\b0x[0-9a-f]{6,}\b")
_LOG_LINE = re.compile(
    r'^E\d{4} [^\n]*\] "command failed" err=(?:'
    r'<\n(?P<lines>(?!E\d{4} )[^\n]*+(?:\n(?!E\d{4} )[^\n]*+)*?)\n[ \t]*+>|(?P<quoted>"[^\n]*"))$',
    re.M,
)
# Remote bases are removed from the tree before the build. If one is missed, its request fails at once.
_OFFLINE = {"GIT_ALLOW_PROTOCOL": "none", "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


@dataclass(frozen=True)
class Output:
    """The output of kustomize, or its error in the words of kustomize-controller."""

    text: str = ""
    error: str = ""
    stop_reason: str = ""
    """Why fluxdoctor stopped the build; nothing is known of its result then."""


def command() -> tuple[str, ...]:
    """Return the command that builds a directory; () if there is none on PATH."""
    if program := shutil.which("kustomize"):
        return (program, "build")
    if program := shutil.which("kubectl"):
        return (program, "kustomize")
    return ()


@dataclass(frozen=True, slots=True)
class Command:
    """The command that builds a directory, or () if there is none, and the deadline of all builds."""

    argv: tuple[str, ...] = ()
    deadline: Deadline | None = None

    def __bool__(self) -> bool:
        return bool(self.argv)


@lru_cache(1)
def _merge_keys() -> bytes:
    return gzip.decompress(resources.files("fluxdoctor").joinpath("schemas", "merge-keys.json.gz").read_bytes())


def _memory_folder(size: int) -> str | None:
    """Return a folder in memory with room for that many bytes; None if there is none, or if TMPDIR names another place.

    A build writes a few small files and links, and removes them. On a disk, that takes a sixth of the time of a check.
    """
    if os.environ.get("TMPDIR") or not os.access(MEMORY_DISK, os.W_OK | os.X_OK):
        return None
    status = os.statvfs(MEMORY_DISK)
    return MEMORY_DISK if status.f_bavail * status.f_frsize > _RESERVE + _SIZE_FACTOR * size else None


class Stage:
    """A temporary copy of an artifact's files, in which directories are built.

    A file is written when a build needs it: if most builds are cached, few files are needed.
    """

    def __init__(self, files: Mapping[str, bytes], command: Command) -> None:
        """Create an empty folder; ``files``: the files of the artifact, which are written on demand."""
        self._files = files
        self._written_paths: set[str] = set()
        self._lock = threading.Lock()
        self._known: Redactor | None = None
        self._temporary = temporary.make(_memory_folder(sum(map(len, files.values()))))
        # kustomize names real paths in its messages.
        self.root = self._temporary.resolve() / "tree"
        self._command = command
        self._folders: set[Path] = set()
        self.root.mkdir(parents=True)

    def write_missing(self, paths: Iterable[str]) -> bool:
        """Write those of these files that are not written yet. Return whether there were any."""
        with self._lock:
            missing = [path for path in paths if path not in self._written_paths]
            for path in missing:
                self._write_file(path, self._files[path])
        return bool(missing)

    def _write_file(self, path: str, content: bytes) -> None:
        file = self.root / path
        if file.parent not in self._folders:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(file.parent)
        file.write_bytes(content)
        self._written_paths.add(path)

    def close(self) -> None:
        """Remove the files."""
        temporary.remove(self._temporary)

    def write(self, path: str, body: Any) -> None:
        """Replace a file of the copy by one or several documents (JSON is YAML)."""
        documents = body if isinstance(body, list) else [body]
        with self._lock:
            self._write_file(path, b"\n---\n".join(map(orjson.dumps, documents)))

    def build(self, directory: str, kustomization: Mapping[str, Any], number: int) -> Output:
        """Build a directory with this kustomization file instead of its own; ``number``: unique among builds.

        The build runs in a sibling folder that links to the content of the directory, because other builds may use the directory
        at the same time, with other fields or as a base. Raises DeadlineError if the deadline of the run passes.
        """
        original = self.root / directory
        shadow = original.parent / f".fluxdoctor-{number}"
        try:
            shadow.mkdir()
            for child in original.iterdir():
                if child.name not in ("kustomization.yaml", "kustomization.yml", "Kustomization"):
                    (shadow / child.name).symlink_to(child)
            (shadow / MERGE_KEYS).write_bytes(_merge_keys())
            (shadow / "kustomization.yaml").write_bytes(orjson.dumps(kustomization))
            return self._run(shadow, directory)
        except OSError as error:
            return Output(error=f"kustomize build failed: {error.strerror}")
        finally:
            shutil.rmtree(shadow, ignore_errors=True)

    def _run(self, shadow: Path, directory: str) -> Output:
        environment = {k: v for k, v in os.environ.items() if k in ("PATH", "TMPDIR", "LANG")} | _OFFLINE
        # Many short builds: less work for Go's garbage collector.
        environment |= {"HOME": str(self._temporary), "GOGC": "400"}
        deadline = self._command.deadline
        limit = deadline.within(_SECONDS) if deadline else Deadline(_SECONDS)
        try:
            argv = [*self._command.argv, *_FLAGS, str(shadow)]
            limits = process.Limits(limit, _MAX_OUTPUT, memory=_MAX_MEMORY)
            result = process.run(argv, self._temporary, environment, limits)
        except DeadlineError:
            if deadline:
                deadline.check()
            return Output(stop_reason=f"it took longer than {_SECONDS} s")
        except process.TooMuchError:
            return Output(stop_reason=f"its output is larger than {_MAX_OUTPUT >> 20} MiB")
        if result.code == 0:
            return Output(text=result.out.decode("utf-8", "replace"))
        if any(words in result.err for words in _NO_MEMORY):
            return Output(stop_reason=f"it took more than {_MAX_MEMORY >> 30} GiB of memory")
        message = self._redactor().text(self._controller_message(result.err, shadow, directory))
        return Output(error=f"kustomize build failed: {message}")

    def _redactor(self) -> Redactor:
        """Return the redactor for what kustomize says: it quotes the values of Secrets that it cannot use."""
        with self._lock:
            if self._known is None:
                texts = masking.secret_texts(self._files)
                self._known = Redactor(text for text in texts if len(text) >= _SHORTEST_VALUE)
            return self._known

    def _controller_message(self, text: str, shadow: Path, directory: str) -> str:
        """Name the files as the controller does: below /tmp/kustomization-<number>, its own temporary directory."""
        text = strip_log_line(text)
        lines = [line for line in text.splitlines() if line and not line.startswith("# Warning")]
        text = " ".join(lines).removeprefix("Error: ").removeprefix("error: ")
        tree = "/tmp/kustomization-0"  # noqa: S108 - a name in a message, no file  # nosec B108
        text = text.replace(str(shadow), f"{tree}/{directory}".rstrip("/"))
        text = re.sub(r"(?<!\.\./)(?:\.\./)*+\.fluxdoctor-\d++", directory or ".", text)
        text = _POINTER.sub("0x...", text)
        return text.replace(str(self.root), tree)


def strip_log_line(text: str) -> str:
    """Extract an error from the log line in which kubectl reports it (1.33, klog), quoted or between < and >."""
    match = _LOG_LINE.search(text)
    if not match:
        return text
    if match["lines"] is not None:
        return "\n".join(line.removeprefix("\t") for line in match["lines"].splitlines())
    try:
        return str(orjson.loads(match["quoted"]))
    except ValueError:
        return match["quoted"].strip('"')


def split(text: str) -> list[str]:
    """Split the output of kustomize into its documents."""
    return [part for part in re.split(r"^---\n", text, flags=re.M) if part.strip()]

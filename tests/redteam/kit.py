"""What every case needs: a folder of its own, bounded runs of the program, and a word for what did not hold."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import resource
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
#: Address space of a program under test. fluxdoctor gives kustomize 4 GiB itself, so this may not be less.
ADDRESS_SPACE = 6 << 30
#: The exit codes of a run that ended with a report; 2 is that of a run that could not begin.
REPORTED = (0, 1, 3)
EXIT_CODES = (0, 1, 2, 3)
FORMATS = ("text", "json", "markdown", "sarif", "junit", "github", "gitlab", "html", "openreports", "prometheus")


class BrokenError(Exception):
    """What had to hold did not; the text says what was seen."""


class SkippedError(Exception):
    """The case cannot run here; the text says what is missing."""


@dataclass(frozen=True)
class Done:
    """How a run of the program ended."""

    command: str
    code: int
    out: str
    err: str
    cpu: float
    wall: float
    rss: int
    """MiB at most."""
    ended: str = ""
    """Which limit ended it; "" when it came to its own end."""

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class Case:
    """One attempt. Its function's docstring is one line of the README's table: what is attempted."""

    name: str
    finding: str
    function: Callable[[Box], None]
    needs: tuple[str, ...] = ()
    quick: bool = True
    """Part of a quick run too."""
    seconds: int = 150
    """The most that it may take."""


CASES: dict[str, Case] = {}


def case(
    name: str, finding: str, *, needs: Iterable[str] = (), quick: bool = True, seconds: int = 150
) -> Callable[[Callable[[Box], None]], Callable[[Box], None]]:
    """Register a function as a case."""

    def add(function: Callable[[Box], None]) -> Callable[[Box], None]:
        if name in CASES:
            raise ValueError(f"two cases are called {name}")
        CASES[name] = Case(name, finding, function, tuple(needs), quick, seconds)
        return function

    return add


@dataclass
class Box:
    """The world of one case."""

    program: Path
    path: Path
    quick: bool
    patience: float
    deadline: float
    fast: FastRunner | None = None
    closers: list[Callable[[], None]] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(20))

    def folder(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def canary(self, name: str) -> str:
        """Return a word that stands nowhere else. Letters and digits: it survives every escaping."""
        return f"zq{name}{secrets.token_hex(5)}"

    def environment(self, **more: str) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
        home = self.folder("home")
        return {
            **inherited, "HOME": str(home), "XDG_CACHE_HOME": str(self.folder("cache")), "XDG_CONFIG_HOME": str(home / ".config"),
            "TMPDIR": str(self.folder("tmp")), "NO_COLOR": "1", "GIT_CONFIG_NOSYSTEM": "1", **more,
        }  # fmt: skip

    def seconds_left(self) -> float:
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise BrokenError("the case did not end in its time")
        return seconds

    def run(
        self, *arguments: object, cpu: float = 20, wall: float = 90, memory: int = 0, env: Mapping[str, str] | None = None,
        fast: bool = False,
    ) -> Done:  # fmt: skip
        """Run the program. ``cpu``, ``wall``: seconds; ``memory``: MiB, 0 for any. A run that needs more is ended and says so."""
        argv = [str(a) for a in arguments]
        environment = self.environment(**(env or {}))
        cpu, wall = cpu * self.patience, min(wall * self.patience, self.seconds_left())
        if fast and self.fast:
            return self.fast.run(argv, environment, self.path, cpu, wall)
        return run_bounded([str(self.program), *argv], environment, self.path, Limits(cpu, wall, memory))

    def start(self, *arguments: object, env: Mapping[str, str] | None = None) -> tuple[subprocess.Popen[bytes], Path]:
        """Start the program and return it with the file of what it prints; it is ended with the case."""
        log = self.path / f"log-{secrets.token_hex(3)}"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [str(self.program), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                env=self.environment(**(env or {})), cwd=self.path, start_new_session=True,
                preexec_fn=lambda: _limit(120 * self.patience),  # noqa: PLW1509 - the test has no threads then
            )  # fmt: skip
        self.closers.append(lambda: end_group(process))
        return process, log

    def sound(self, done: Done, codes: Iterable[int] = REPORTED) -> Done:
        """Ask of a run that it came to its own end, with one of these exit codes and without a traceback."""
        if done.ended:
            raise BrokenError(f"{done.command}: {done.ended}")
        if "Traceback (most recent call last)" in done.text:
            last = [line for line in done.text.splitlines() if re.match(r"[\w.]+(Error|Exception|Type|\b):? ?", line)]
            raise BrokenError(f"{done.command}: a traceback, exit code {done.code}: {shown(last[-1] if last else '')}")
        if done.code not in codes:
            raise BrokenError(f"{done.command}: exit code {done.code}: {shown(done.err or done.out)}")
        return done

    def report(self, done: Done) -> Done:
        """Ask of a run that it came to its own end with a JSON report."""
        try:
            body = json.loads(self.sound(done).out)
        except ValueError:
            body = None
        if not isinstance(body, dict) or "findings" not in body:
            raise BrokenError(f"{done.command}: no JSON report: {shown(done.out or done.err)}")
        return done

    def keeps(self, done: Done, *words: str) -> Done:
        """Ask of a run that it says none of these words."""
        for word in words:
            if word in done.text:
                raise BrokenError(f"{done.command} prints {around(done.text, word)}")
        return done

    def close(self) -> None:
        for closer in reversed(self.closers):
            closer()
        shutil.rmtree(self.path, ignore_errors=True)


def shown(text: str, most: int = 160) -> str:
    """Return a text for one line of ours, without what a terminal or a pipeline would obey."""
    return " ".join(ascii(text)[1:-1].replace("::", ":").split())[:most]


def around(text: str, word: str, before: int = 50) -> str:
    at = text.find(word)
    return shown(text[max(0, at - before) : at + len(word) + 10])


def _limit(cpu: float) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu) + 1, int(cpu) + 3))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def has_ended(pid: int) -> bool:
    """Tell whether a child has ended, and leave it unreaped: until then nobody else can get its id."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill_session(leader: int) -> None:
    """End all processes of a session whose leader is a child of ours that was not reaped."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a program that we started, with all that it started in its session."""
    if process.returncode is None:
        kill_session(process.pid)
        process.wait()


@dataclass(frozen=True)
class Limits:
    """Seconds of CPU and of the clock, and MiB of memory (0: any)."""

    cpu: float
    wall: float
    memory: int = 0


def run_bounded(argv: list[str], env: Mapping[str, str], cwd: Path, limits: Limits) -> Done:
    """Run a command in a session of its own, within limits."""
    command = f"fluxdoctor {' '.join(shown(a, 30) for a in argv[1:4])}"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=dict(env), cwd=cwd, start_new_session=True,
            preexec_fn=lambda: _limit(limits.cpu),  # noqa: PLW1509 - it only sets limits
        )  # fmt: skip
        status, usage, why = _wait(process.pid, began + limits.wall, limits.memory)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for sink in (out, err):
            sink.seek(0)
            texts.append(sink.read().decode("utf-8", "backslashreplace"))
    took, wall = usage.ru_utime + usage.ru_stime, time.monotonic() - began
    ended = f"took more than {limits.memory} MiB of memory" if why == "memory" else (
        ending(process.returncode, took, wall, why == "late", limits.cpu))  # fmt: skip
    return Done(command, process.returncode, texts[0], texts[1], took, wall, usage.ru_maxrss // 1024, ended)


def _wait(pid: int, until: float, memory: int) -> tuple[int, resource.struct_rusage, str]:
    """Wait for a program, and end it when it is "late" or has taken too much "memory"; end what it left running."""
    why = ""
    while not has_ended(pid):
        if not why:
            why = "late" if time.monotonic() > until else "memory" if memory and _resident(pid) > memory else ""
            if why:
                kill_session(pid)
        time.sleep(0.01)
    kill_session(pid)
    _, status, usage = os.wait4(pid, 0)
    return status, usage, why


def _resident(pid: int) -> int:
    """Return how many MiB a program has in memory; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() // MIB
    except (OSError, IndexError):
        return 0


def ending(code: int, cpu: float, wall: float, late: bool, most_cpu: float) -> str:
    """Say which limit ended a run, "" for none."""
    if late:
        return f"did not end in {wall:.0f} s"
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"took more than {most_cpu:.0f} s of CPU" if cpu >= most_cpu else f"was killed (signal {-code})"
    return ""


class FastRunner:
    """Runs the program hundreds of times in forks of one process that has imported it; each fork runs the program's own script."""

    def __init__(self, program: Path) -> None:
        """``program``: a script that names its interpreter. Raises ValueError where it is none."""
        interpreter = interpreter_of(program)
        if not interpreter:
            raise ValueError(f"{program} is no Python script")
        self._folder = tempfile.TemporaryDirectory(prefix="redteam-")
        self._server = subprocess.Popen(
            [interpreter, str(HERE / "forks.py"), str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, "HOME": self._folder.name, "XDG_CACHE_HOME": self._folder.name},
        )  # fmt: skip
        if self._server.stdout is None or self._server.stdout.readline() != "ready\n":
            raise ValueError(f"{program} cannot be imported")

    def run(self, argv: list[str], env: Mapping[str, str], cwd: Path, cpu: float, wall: float) -> Done:
        assert self._server.stdin and self._server.stdout  # noqa: PT018 - both are pipes
        files = [str(Path(self._folder.name, name)) for name in ("out", "err")]
        job = {
            "argv": argv,
            "env": dict(env),
            "cwd": str(cwd),
            "cpu": cpu,
            "wall": wall,
            "space": ADDRESS_SPACE,
            "files": files,
        }
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        outcome = json.loads(self._server.stdout.readline())
        out, err = (Path(f).read_bytes().decode("utf-8", "backslashreplace") for f in files)
        ended = ending(outcome["code"], outcome["cpu"], outcome["wall"], outcome["late"], cpu)
        command = f"fluxdoctor {' '.join(shown(a, 30) for a in argv[:3])}"
        return Done(command, outcome["code"], out, err, outcome["cpu"], outcome["wall"], outcome["rss"], ended)

    def close(self) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait()
        if self._server.stdout:
            self._server.stdout.close()
        self._folder.cleanup()


def interpreter_of(program: Path) -> str:
    with program.open("rb") as script:
        first = script.readline().decode("utf-8", "replace").strip()
    return first[2:].strip() if first.startswith("#!") and "python" in first else ""


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def plain_report(text: str) -> object:
    """Return a JSON report without what differs from run to run."""
    try:
        body = json.loads(text)
    except ValueError:
        return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:]+Z?|[\d.]+ s\b", "", text)
    for name in ("timings", "taken", "tool"):
        body.pop(name, None)
    return body


def run_case(one: Case, program: Path, quick: bool, patience: float, fast: FastRunner | None) -> str:
    """Return "held", or "BROKEN: why", or "skipped: why"."""
    for tool in one.needs:
        if not (shutil.which(tool) or (tool == "kustomize" and shutil.which("kubectl"))):
            return f"skipped: no {tool} on PATH"
    path = Path(tempfile.mkdtemp(prefix="redteam-")).resolve()
    box = Box(program, path, quick, patience, time.monotonic() + one.seconds * patience, fast)
    try:
        one.function(box)
    except BrokenError as error:
        return f"BROKEN: {str(error).replace(str(path), '')}"
    except SkippedError as error:
        return f"skipped: {error}"
    except KeyboardInterrupt:
        raise
    except Exception as error:  # noqa: BLE001 - an answer that a case cannot read is no answer
        import traceback

        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"BROKEN: unreadable answer ({type(error).__name__}: {shown(str(error))}, {Path(place.filename).name}:{place.lineno})"
    finally:
        box.close()
    return "held"

"""Started by kit.FastRunner with the interpreter of the program under test: forks once for each run, after one import.

Reads a job a line (JSON) and answers with a line. Each fork runs the program's own script, as the shell would.
"""

import contextlib
import json
import os
import pkgutil
import resource
import runpy
import signal
import sys
import time
import traceback
from typing import Any


def preload(package: str) -> None:
    """Import what can be imported: it is only a matter of speed."""
    try:
        top = __import__(package)
    except ImportError:
        return
    for module in pkgutil.walk_packages(top.__path__, f"{package}.", onerror=lambda _: None):
        if ".mcp" in module.name or module.name.endswith("__main__"):
            continue
        try:
            __import__(module.name)
        except Exception:  # noqa: BLE001, S112 - a module that cannot be imported alone is none of ours
            continue


def child(program: str, job: dict[str, Any]) -> None:
    """Become the program. Does not return."""
    code = 1
    try:
        os.setsid()
        for number, path in enumerate(job["files"], 1):
            sink = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(sink, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = used.ru_utime + used.ru_stime
        resource.setrlimit(resource.RLIMIT_CPU, (int(job["cpu"] + spent) + 1, int(job["cpu"] + spent) + 3))
        resource.setrlimit(resource.RLIMIT_AS, (job["space"], job["space"]))
        os.environ.clear()
        os.environ.update(job["env"])
        os.chdir(job["cwd"])
        sys.argv = [program, *job["argv"]]
        for name, number in (("stdout", 1), ("stderr", 2)):
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False))
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
        try:
            runpy.run_path(program, run_name="__main__")
            code = 0
        except SystemExit as end:
            if isinstance(end.code, str):
                sys.stderr.write(f"{end.code}\n")
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - what the interpreter would do
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code & 0xFF)


def kill(session: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)


def main() -> None:
    program = sys.argv[1]
    for package in ("fluxdoctor", "fluxdoctor_rules"):
        preload(package)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        job = json.loads(line)
        began = time.monotonic()
        pid = os.fork()
        if not pid:
            child(program, job)
        late = False
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() - began > job["wall"] and not late:
                late = True
                kill(pid)
            time.sleep(0.005)
        kill(pid)  # what it left running; it is not reaped yet, so that its id is nobody else's
        _, status, usage = os.wait4(pid, 0)
        cpu = usage.ru_utime + usage.ru_stime
        outcome = {
            "code": os.waitstatus_to_exitcode(status),
            "late": late,
            "cpu": cpu,
            "wall": time.monotonic() - began,
        }
        sys.stdout.write(json.dumps({**outcome, "rss": usage.ru_maxrss // 1024}) + "\n")
        sys.stdout.flush()


main()

"""Runs the program many times in forks of one process that has imported it: each run is the whole program, with limits of its own.

A request is a line of JSON on stdin: ``arguments``, ``folder`` (where it runs; ``stdout`` and ``stderr`` are written there),
``variables``, ``seconds`` and ``bytes``. The answer is a line of JSON on stdout: see ``Ended``.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import fluxdoctor
from fluxdoctor.rule import installed

_PAUSE = 0.005


def serve() -> None:
    """Answer requests until stdin ends."""
    for module in pkgutil.walk_packages(fluxdoctor.__path__, "fluxdoctor."):
        if not module.name.endswith(("__main__", "schema_worker")):
            importlib.import_module(module.name)
    installed()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(json.loads(line))) + "\n")
        sys.stdout.flush()


def _run(request: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    child = os.fork()
    if not child:
        _be_the_program(request)
    is_hanging = False
    while True:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() - started > request["seconds"] and not is_hanging:
            is_hanging = True
            _end_group(child)
        time.sleep(_PAUSE)
    _end_group(child)  # whatever it started and left behind
    return {
        "code": os.waitstatus_to_exitcode(status), "is_hanging": is_hanging, "seconds": time.monotonic() - started,
        "bytes": usage.ru_maxrss * 1024,
    }  # fmt: skip


def _end_group(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _be_the_program(request: dict[str, Any]) -> NoReturn:
    """Never returns: a fork that returned would answer requests too."""
    code = 70
    try:
        os.setsid()
        folder = Path(request["folder"])
        os.chdir(folder)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(request["variables"])
        resource.setrlimit(resource.RLIMIT_AS, (request["bytes"], request["bytes"]))
        limit = int(request["seconds"]) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        sys.argv = ["fluxdoctor", *request["arguments"]]
        from fluxdoctor.cli.main import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - what the interpreter would do with it
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()

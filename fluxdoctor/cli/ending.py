"""How the process ends."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import NoReturn


def leave(code: int | str | None) -> NoReturn:
    """End at once: Python would take apart what was read, object by object, for a tenth of the time of a run."""
    if isinstance(code, str) or threading.active_count() > 1:
        sys.exit(code)
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # a broken stderr: there is nobody to tell it to
            sys.stderr.flush()
    os._exit(code or 0)


def silence() -> None:
    """Let the interpreter's last flush go nowhere."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

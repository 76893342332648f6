"""What SIGTERM does: all waits end, children are killed, temporary folders go, and the program has ended two seconds later."""

from __future__ import annotations

import os
import sys
import threading
from types import FrameType

EXIT_CODE = 143  # 128 + SIGTERM, as shells report it
_GRACE = 1.2  # seconds in which the program may end in order


def end(_: int = 0, __: FrameType | None = None) -> None:
    """Handle the signal. Raises SystemExit in the main thread; threads that still wait after a second are left behind."""
    watchdog = threading.Timer(_GRACE, leave, [EXIT_CODE])
    watchdog.daemon = True
    watchdog.start()
    cancel_waits()
    sys.exit(EXIT_CODE)


def cancel_waits() -> None:
    """End all waits of the run; if no module that waits is imported, there is none."""
    if deadline := sys.modules.get("fluxdoctor.collect.net.deadline"):
        deadline.cancel_all()


def leave(code: int) -> None:
    """End at once, without children and temporary folders: what has been imported is what can be running."""
    try:
        if process := sys.modules.get("fluxdoctor.collect.net.process"):
            process.kill_all()
        if temporary := sys.modules.get("fluxdoctor.collect.temporary"):
            temporary.remove_all()
    finally:
        os._exit(code)

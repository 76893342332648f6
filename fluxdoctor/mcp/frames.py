"""The messages between the server and a worker process: one JSON object each, preceded by its length in four bytes."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

_HEADER = 4
_MAX_BYTES = 32 << 20


class FrameError(Exception):
    """The other process sent something else than a message."""


def write(file: BinaryIO, message: dict[str, Any]) -> None:
    """Send a message. Raises OSError or ValueError if the other process has closed its end."""
    body = json.dumps(message, separators=(",", ":")).encode()
    file.write(len(body).to_bytes(_HEADER, "big") + body)
    file.flush()


def read(file: BinaryIO) -> dict[str, Any] | None:
    """Wait for the next message; None at the end. Raises FrameError."""
    header = file.read(_HEADER)
    if len(header) < _HEADER:
        return None
    size = int.from_bytes(header, "big")
    if size > _MAX_BYTES:
        raise FrameError(f"a message of {size} bytes")
    body = file.read(size)
    if len(body) < size:
        return None
    try:
        message = json.loads(body)
    except ValueError:
        raise FrameError("a message that is not JSON") from None
    if not isinstance(message, dict):
        raise FrameError("a message that is not an object")
    return message

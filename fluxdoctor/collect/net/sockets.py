"""Tracks connections so that another thread can close them: a blocked read then ends when the run is cancelled."""

from __future__ import annotations

import contextlib
import socket
import weakref
from typing import Any

import urllib3

Sockets = weakref.WeakSet[Any]


def track(pool: urllib3.PoolManager) -> Sockets:
    """Make a pool record the connections that it opens, for shut()."""
    connections: Sockets = weakref.WeakSet()
    pool.pool_classes_by_scheme = {
        scheme: _tracking_pool(base, connections) for scheme, base in pool.pool_classes_by_scheme.items()
    }
    return connections


def _tracking_pool(base: Any, connections: Sockets) -> Any:
    """Return a pool class whose connections add themselves to ``connections``."""

    class Connection(base.ConnectionCls):  # type: ignore[misc]
        def connect(self) -> None:
            connections.add(self)
            super().connect()

    class Pool(base):  # type: ignore[misc]
        ConnectionCls = Connection

    return Pool


def shut(connections: Sockets) -> None:
    """Close every open connection at once. A thread that reads from one gets an error."""
    for connection in list(connections):
        sock = getattr(connection, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

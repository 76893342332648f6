"""What only etcd can do for the tests: a moment to come back to, metadata that the API server sets itself, expired pages.

Through etcd's JSON gateway (3.4 and newer). The API server keeps its objects as JSON here (``--storage-media-type``).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

_SECONDS = 60
_OPERATIONS = 5000  # in one transaction; etcd is started with this limit
ROOT = b"/registry/"


class EtcdError(Exception):
    """etcd refused a request; the text is its own message."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of etcd."""

    key: bytes
    value: bytes
    created: int
    changed: int


@dataclass(frozen=True, slots=True)
class Etcd:
    """The JSON gateway of an etcd on loopback."""

    url: str
    http: urllib3.PoolManager

    def healthy(self) -> bool:
        """Say whether it answers."""
        try:
            return bool(self.http.request("GET", f"{self.url}/health", timeout=1, retries=False).status == 200)
        except urllib3.exceptions.HTTPError:
            return False

    def revision(self) -> int:
        """Return the revision of now."""
        return int(self._call("kv/range", {"key": _text(ROOT), "limit": 1, "keys_only": True})["header"]["revision"])

    def entries(self, prefix: bytes = ROOT, *, keys_only: bool = False) -> list[Entry]:
        """Return the keys below a prefix."""
        asked = {
            "key": _text(prefix),
            "range_end": _text(prefix[:-1] + bytes([prefix[-1] + 1])),
            "keys_only": keys_only,
        }
        return [
            Entry(_bytes(kv["key"]), _bytes(kv.get("value", "")), int(kv["create_revision"]), int(kv["mod_revision"]))
            for kv in self._call("kv/range", asked).get("kvs", [])
        ]

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, None where there is none."""
        found = self._call("kv/range", {"key": _text(key)}).get("kvs", [])
        return _bytes(found[0].get("value", "")) if found else None

    def write(self, puts: Mapping[bytes, bytes], deletes: Iterable[bytes] = ()) -> None:
        """Write and delete keys, each transaction as a whole."""
        operations: list[dict[str, Any]] = [
            {"request_put": {"key": _text(k), "value": _text(v)}} for k, v in puts.items()
        ]
        operations += [{"request_delete_range": {"key": _text(k)}} for k in deletes]
        for start in range(0, len(operations), _OPERATIONS):
            self._call("kv/txn", {"success": operations[start : start + _OPERATIONS]})

    def compact(self) -> None:
        """Forget the past: the continue tokens that were given out until now have expired (410 Gone)."""
        self._call("kv/compaction", {"revision": str(self.revision())})

    def _call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.http.request("POST", f"{self.url}/v3/{path}", body=json.dumps(body).encode(), timeout=_SECONDS)
        found: dict[str, Any] = json.loads(answer.data)
        if answer.status != 200:
            raise EtcdError(f"{path}: {found.get('error', found)}")
        return found


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)

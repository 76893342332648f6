"""The answers of a troubled API server, made on the fly: the largest is never held in memory."""

from __future__ import annotations

import gzip
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "401",
    "403",
    "404",
    "410",
    "429",
    "500",
    "503",
    "504",
    "expired",  # a page after the first: its token is made an old one, and the API server itself answers 410; of kinds with a CRD
    "slow",  # the real answer, later
    "drip",  # the real answer, a little at a time
    "hang",  # half of the real answer, then silence
    "stall",  # the request is read, and never answered
    "cut",  # half of the real answer, then the connection is closed; Content-Length told of the whole
    "cut-chunked",  # the same with chunked framing, as the API server sends large lists
    "truncated",  # half of the real answer's JSON, framed as if it were all
    "huge",  # a list that does not end before 5 GB
    "html",  # a login page with code 200, as an authenticating gateway answers
    "garbage",  # said to be gzip, and is noise
    "gzip-bomb",  # a few MB that unpack to 5 GB
]

HUGE = 5 * 1000**3
_MB = 1024 * 1024
_JSON = "application/json"

# Reason and message of metav1.Status, as the API server words them (apimachinery's errors.go; apiserver's continue-token errors).
_REFUSALS = {
    "401": ("Unauthorized", "Unauthorized"),
    "403": ("Forbidden", "forbidden: User cannot list resource at the cluster scope"),
    "404": ("NotFound", "the server could not find the requested resource"),
    "410": (
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You must start a new list without the "
        "continue parameter.",
    ),
    "429": ("TooManyRequests", "Too many requests, please try again later."),
    "500": ("InternalError", "Internal error occurred: etcdserver: leader changed"),
    "503": ("ServiceUnavailable", "the server is currently unable to handle the request"),
    "504": ("Timeout", "Timeout: request did not complete within the allotted timeout"),
}
_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to continue</h1></body></html>\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer; the blocks of its body are made as they are sent."""

    status: int
    headers: dict[str, str]
    blocks: Iterable[bytes]


def answer(kind: Kind, seconds: float, size: int) -> Answer:
    """Return the answer of a fault that needs no real answer beside it."""
    if kind in _REFUSALS:
        return _refusal(kind, seconds)
    if kind == "html":
        return _whole("text/html; charset=utf-8", _PAGE)
    if kind == "garbage":
        return _whole(_JSON, os.urandom(4096), {"Content-Encoding": "gzip"})
    if kind == "huge":
        return Answer(200, {"Content-Type": _JSON, "Transfer-Encoding": "chunked"}, _endless(size))
    if kind == "gzip-bomb":
        headers = {"Content-Type": _JSON, "Content-Encoding": "gzip", "Transfer-Encoding": "chunked"}
        return Answer(200, headers, _bomb(size))
    raise ValueError(f"{kind} is made of a real answer")


def _refusal(kind: str, seconds: float) -> Answer:
    reason, message = _REFUSALS[kind]
    retry = {"Retry-After": str(round(seconds))} if kind == "429" else {}
    details = {"retryAfterSeconds": round(seconds)} if retry else {}
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": int(kind),
    }
    return _whole(_JSON, json.dumps(body).encode(), retry, int(kind))


def _whole(content_type: str, body: bytes, more: dict[str, str] | None = None, status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": content_type, "Content-Length": str(len(body)), **(more or {})}, [body])


def _endless(size: int) -> Iterator[bytes]:
    """Yield a list of ConfigMaps that is well-formed JSON to its end, about ``size`` bytes long."""
    item = json.dumps({"metadata": {"name": "x", "namespace": "default"}, "data": {"filler": "x" * 4000}}).encode()
    block = b",".join([item] * (_MB // len(item)))
    yield b'{"kind":"List","apiVersion":"v1","metadata":{},"items":[' + item
    for _ in range(size // len(block)):
        yield b"," + block
    yield b"]}"


def _bomb(size: int) -> Iterator[bytes]:
    """Yield one gzip member that unpacks to a JSON string of about ``size`` bytes: a deflate block, repeated."""
    filler = b" " * (8 * _MB)
    head, tail = b'{"kind":"List","items":[', b"]}"
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    yield gzip.compress(b"", mtime=0)[:10]
    yield packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a block refers to nothing before it, and ends on a byte: it can be sent again and again.
    block = packer.compress(filler) + packer.flush(zlib.Z_FULL_FLUSH)
    count, check = size // len(filler), zlib.crc32(head)
    for _ in range(count):
        check = zlib.crc32(filler, check)
        yield block
    yield packer.compress(tail) + packer.flush(zlib.Z_FINISH)
    length = len(head) + count * len(filler) + len(tail)
    yield struct.pack("<LL", zlib.crc32(tail, check), length & 0xFFFFFFFF)

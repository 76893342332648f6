"""The MCP server over HTTP: who may ask, what may be named, and that it stays there for others."""

from __future__ import annotations

import http.client

from tests.redteam import worlds
from tests.redteam.kit import Box, BrokenError, case
from tests.redteam.mcp_client import TOKEN, Client, serve


def served(box: Box) -> int:
    """Start a server whose root holds one snapshot, and links that leave it."""
    root = box.folder("root")
    worlds.write(box, worlds.git_world(), "root/fleet")
    worlds.write(box, worlds.git_world(), "elsewhere/fleet")
    (root / "link").symlink_to(box.path / "elsewhere")
    return serve(box, root)


@case("mcp-sessions", "LOW")
def sessions(box: Box) -> None:
    """eighty clients begin a session and go away without a word: the next one, and one from before, are still served"""
    port = served(box)
    early = Client(port)
    early.open()
    for _ in range(80):
        Client(port).open()
    late = Client(port)
    status = late.open()
    if status != 200:
        raise BrokenError(f"after eighty sessions a new client gets status {status}")
    if late.ask("tools/list")[0] != 200:
        raise BrokenError("after eighty sessions a new client is not answered")


@case("mcp-strangers", "held")
def strangers(box: Box) -> None:
    """no token or a wrong one, other Host and Origin headers, a request of 300 KiB, JSON that is none"""
    port = served(box)
    empty = "{}"
    requests = {
        "no token": (Client(port, ""), {}, empty),
        "another token": (Client(port, TOKEN.upper()), {}, empty),
        "a part of the token": (Client(port, TOKEN[:-1]), {}, empty),
        "another host": (Client(port), {"Host": f"evil.test:{port}"}, empty),
        "a host that begins alike": (Client(port), {"Host": f"127.0.0.1:{port}.evil.test"}, empty),
        "a user before the host": (Client(port), {"Host": f"127.0.0.1:{port}@evil.test"}, empty),
        "another origin": (Client(port), {"Origin": "http://evil.test"}, empty),
        "no origin": (Client(port), {"Origin": "null"}, empty),
        "an origin that begins alike": (Client(port), {"Origin": f"http://localhost:{port}.evil.test"}, empty),
        "300 KiB": (Client(port), {}, '{"a": "%s"}' % ("x" * 300 * 1024)),
        "no JSON": (Client(port), {}, "{" * 10),
        "deep JSON": (Client(port), {}, "[" * 100_000),
    }  # fmt: skip
    for name, (client, headers, body) in requests.items():
        try:
            status, _, text = client.send(body, headers)
        except (OSError, http.client.HTTPException):
            continue  # the connection was ended: refused
        if not 400 <= status < 500:
            raise BrokenError(f"{name}: status {status}: {text[:80]}")
    if Client(port).open() != 200:
        raise BrokenError("the server does not serve its own client any more")


@case("mcp-paths", "held")
def paths(box: Box) -> None:
    """paths that leave --root: absolute, upwards, through a link, with a NUL, a home folder, and very long"""
    port = served(box)
    client = Client(port)
    client.open()
    if "refs/heads/mian" not in (text := client.call("diagnose", path="fleet")) and "branch" not in text:
        raise BrokenError(f"the snapshot below the root is not diagnosed: {text[:150]}")
    for path in (
        "/etc",
        "../elsewhere/fleet",
        "link/fleet",
        str(box.path / "elsewhere/fleet"),
        "fleet/../../elsewhere/fleet",
        "fleet\0x",
        "~",
        "x" * 5000,
    ):
        text = client.call("diagnose", path=path)
        if "fingerprint" in text or "Traceback" in text:
            raise BrokenError(f"path {path[:40]!r} is read: {text[:150]}")

"""A file of some kilobytes, or an answer of a server, does not take a machine's memory."""

from __future__ import annotations

import gzip
import json
import random
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from tests.redteam import worlds
from tests.redteam.kit import EXIT_CODES, MIB, Box, BrokenError, case
from tests.redteam.servers import Answer, Request, kube_api, kubeconfig, serve

#: MiB of memory that a run may take.
MOST = 900
HEAD = worlds.about(["ConfigMap"]).encode()


def little(box: Box, *arguments: object, cpu: float = 40) -> None:
    """Run the program and ask of it that it takes little."""
    done = box.run(*arguments, cpu=cpu, memory=MOST)
    if "MemoryError" in done.text:
        raise BrokenError(f"{done.command} ends in a MemoryError")
    box.sound(done, EXIT_CODES)
    if done.rss > MOST:
        raise BrokenError(f"{done.command} takes {done.rss} MiB of memory")


def member(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    head = tarfile.TarInfo(name)
    head.size, head.type = size, kind
    return head.tobuf(format=tarfile.USTAR_FORMAT)


def archive(path: Path, parts: Iterable[bytes | tuple[bytes, int]]) -> Path:
    """Write a .tgz: bytes, and blocks that are repeated. Every part is a gzip member of its own, so this takes no time."""
    with path.open("wb") as out:
        for part in (*parts, b"\0" * 1024):
            block, times = part if isinstance(part, tuple) else (part, 1)
            packed = gzip.compress(block, 9)
            for _ in range(times):
                out.write(packed)
    return path


def small(name: str, content: bytes) -> bytes:
    return member(name, len(content)) + content + b"\0" * (-len(content) % 512)


@case("memory-archive-long-name", "M3")
def long_name(box: Box) -> None:
    """a .tgz of less than 3 MB with the name of a file that unpacks to 1.2 GiB"""
    size = 1200 * MIB
    path = archive(
        box.path / "name.tgz",
        [
            small("snapshot.yaml", HEAD),
            member("x", size, tarfile.GNUTYPE_LONGNAME),
            (b"a" * (8 * MIB), 150),
            member("y", 0),
        ],
    )
    little(box, "diagnose", "--from", path)


@case("memory-archive-many-files", "M3")
def many_files(box: Box) -> None:
    """a .tgz of less than 3 MB with five files of 250 MiB"""
    parts: list[bytes | tuple[bytes, int]] = [small("snapshot.yaml", HEAD)]
    for number in range(5):
        parts += [member(f"git/a/b/f{number}.txt", 250 * MIB), (b"x" * (10 * MIB), 25)]
    little(box, "diagnose", "--from", archive(box.path / "many.tgz", parts))


@case("memory-archive-yaml", "M3", quick=False)
def packed_yaml(box: Box) -> None:
    """a .tgz of less than 300 kB with a manifest of 100 MiB of YAML"""
    block = b"- {a: 1, b: [x, y]}\n" * (MIB // 20)
    rest = MIB - len(block)
    block += b"#" * (rest - 1) + b"\n"
    path = archive(
        box.path / "yaml.tgz", [small("snapshot.yaml", HEAD), member("cluster/o.yaml", 100 * MIB), (block, 100)]
    )
    little(box, "diagnose", "--from", path)


@case("memory-helm-index", "M4", quick=False, seconds=240)
def helm_index(box: Box) -> None:
    """a Helm repository whose index of 48 MiB arrives as 200 kB of gzip"""
    packer = zlib.compressobj(9, wbits=31)
    rows = b"  - {name: web, version: 1.0.0, urls: [a]}\n" * 20_000
    packed = packer.compress(b"apiVersion: v1\nentries:\n  web:\n")
    packed += b"".join(packer.compress(rows) for _ in range(48 * MIB // len(rows))) + packer.flush()
    server = serve(box, lambda _: (200, {"Content-Encoding": "gzip"}, packed))
    charts = worlds.thing(
        "HelmRepository", "charts", {"interval": "1m", "url": f"{server.url}/"}, ready=("True", "Succeeded", "ok")
    )
    release = worlds.says("no 'web' chart with version matching '9.x' found", "HelmRelease", "SourceNotReady", "web")
    release["spec"]["chart"]["spec"]["version"] = "9.x"
    api = kube_api(box, [charts, release])
    little(
        box,
        "diagnose",
        "--kubeconfig",
        kubeconfig(box, api.url),
        "--allow-local",
        "--timeout",
        "40s",
        "--no-cache",
        cpu=60,
    )
    if not server.requests:
        raise BrokenError("the index was not asked for at all")


@case("memory-endless-pages", "LOW", quick=False)
def endless_pages(box: Box) -> None:
    """an API server whose list of Kustomizations never ends, half a MiB of text in each object"""
    chance = random.Random(1)
    text = "y" * (MIB // 2)

    def odd(_: Request, kind: str) -> Answer | None:
        if kind != "Kustomization":
            return None
        items = [
            {"metadata": {"name": f"k{chance.random()}", "namespace": "a"}, "spec": {"x": text}} for _ in range(40)
        ]
        return 200, {}, json.dumps({"kind": "List", "metadata": {"continue": "again"}, "items": items}).encode()

    api = kube_api(box, [], odd)
    little(
        box,
        "diagnose",
        "--kubeconfig",
        kubeconfig(box, api.url),
        "--no-probe",
        "--timeout",
        "25s",
        "--no-cache",
        cpu=60,
    )

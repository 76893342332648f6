"""A run that is called off ends soon and leaves nothing behind; what is killed is cleaned away by the next."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from tests.redteam import worlds
from tests.redteam.cases_escape import inline_generator, outside
from tests.redteam.kit import Box, BrokenError, case, end_group, files_below, has_ended, plain_report
from tests.redteam.repos import FLEET, HEALTHY, fleet
from tests.redteam.servers import kube_api, kubeconfig, silent


def ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not has_ended(process.pid):
        time.sleep(0.02)
    return has_ended(process.pid)


def children(session: int) -> list[str]:
    """Return the commands of the processes that are in a session (Linux)."""
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                pids.append((folder / "cmdline").read_text().replace("\0", " ")[:60])
        except OSError:
            continue
    return pids


@case("lifetime-terminated", "LOW", needs=["git"], quick=False)
def terminated(box: Box) -> None:
    """SIGTERM while git waits for a server that never answers: the program ends within five seconds"""
    port, is_asked = silent(box)
    body = worlds.says("unable to clone: context deadline exceeded", "GitRepository", "GitOperationFailed")
    body["spec"]["url"] = f"http://127.0.0.1:{port}/fleet.git"
    api = kube_api(box, [body])
    process, log = box.start(
        "diagnose", "--kubeconfig", kubeconfig(box, api.url), "--allow-local", "--timeout", "40s", "--no-cache"
    )
    if not is_asked.wait(30 * box.patience):
        raise BrokenError(f"the git server was not asked at all: {log.read_text()[:100]}")
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    if not ends_within(process, 5 * box.patience):
        raise BrokenError("it still runs five seconds after SIGTERM")
    if survivors := children(process.pid):
        raise BrokenError(f"it leaves processes behind: {'; '.join(survivors)}")


@case("lifetime-leftovers", "LOW", needs=["kustomize", "git"])
def leftovers(box: Box) -> None:
    """checks that are killed (-9): the copy of the repository that they made is gone after the next run"""
    word = box.canary("copy")
    root = fleet(
        box,
        {
            "apps/note.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: note, namespace: flux-system}}\ndata: {{a: {word}}}\n"
        },
        base=HEALTHY,
    )
    temporary = box.folder("tmp")

    def copies() -> list[str]:
        return [name for name, content in files_below(temporary) if word.encode() in content]

    killed = 0
    for _ in range(40):
        process, _ = box.start("check", root, "--no-cache")
        until = time.monotonic() + 20 * box.patience
        while time.monotonic() < until and not has_ended(process.pid) and not copies():
            time.sleep(0.002)
        end_group(process)
        killed += bool(copies())
        if killed >= 2:
            break
    if not killed:
        return  # nothing is ever written there
    box.sound(box.run("check", root, "--no-cache"))
    if survivors := copies():
        raise BrokenError(
            f"{len(survivors)} files of the repository stay in the temporary folder after kill -9 and another run ({survivors[0]})"
        )


@case("lifetime-killed-and-parallel", "held", needs=["kustomize", "git"], quick=False)
def killed_and_parallel(box: Box) -> None:
    """checks that are killed at any moment, and four at once, over one cache: the next report is the same as without a cache"""
    root = fleet(box, {}, base=FLEET)
    expected = plain_report(box.report(box.run("check", root, "--format", "json", "--no-cache")).out)
    for number in range(8):
        process, _ = box.start("check", root, "--format", "json")
        time.sleep(0.15 + 0.17 * number)
        end_group(process)
        done = box.sound(box.run("check", root, "--format", "json"))
        if plain_report(done.out) != expected:
            raise BrokenError(f"after a run that was killed the report differs (round {number})")
    at_once = [box.start("check", root, "--format", "json") for _ in range(4)]
    for process, log in at_once:
        if not ends_within(process, 60 * box.patience):
            raise BrokenError("of four checks at once one does not end")
        if plain_report(log.read_text()) != expected:
            raise BrokenError("of four checks at once one gives another report")


@case("lifetime-cache-of-others", "held", needs=["kustomize", "git"])
def cache_of_others(box: Box) -> None:
    """the files of the cache folder are for their owner alone"""
    box.sound(box.run("check", fleet(box, inline_generator(outside(box, box.canary("x"))))))
    for name, _ in files_below(box.folder("cache")):
        mode = (box.folder("cache") / name).stat().st_mode & 0o777
        if mode & 0o077:
            raise BrokenError(f"{name} has mode {mode:o}")

"""Import recorded snapshot folders as incidents: one whole base, and of the others what differs from it.

    python tools/import_incidents.py SRC DST

SRC holds snapshot folders whose git trees are nearly all the same. In DST each gets two keys in its
``snapshot.yaml``: ``extends``, the sibling folder from which files under ``git/`` and ``helm/`` are inherited
unless it has its own, and ``without``, the inherited files or folders that are not there. All else is copied.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

import yaml

BASE = "healthy-baseline"
#: Kept whole, because they are also read alone, away from their siblings.
SELF_CONTAINED = frozenset({BASE, "hr-dependson-not-ready"})
INHERITED = ("git/", "helm/")
FORMAT = "format: 1\n"

Files = Mapping[str, bytes]


def read(folder: Path) -> dict[str, bytes]:
    """Read every file of a snapshot folder, by its path inside it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def within(path: str, folder: str) -> bool:
    """Whether the path is the folder or lies in it."""
    return path == folder or path.startswith(f"{folder}/")


def folders(path: str) -> list[str]:
    """List the folders a file lies in, the outermost first."""
    return [str(folder) for folder in reversed(PurePosixPath(path).parents)][1:]


def without(base: Collection[str], own: Collection[str]) -> list[str]:
    """List what of the base is not there: the file, or the folder that has no file of the base left in it."""
    left = {folder for path in base if path in own for folder in folders(path)}
    gone = {next((folder for folder in folders(path) if folder not in left), path) for path in base if path not in own}
    return sorted(gone)


def differences(base: Files, own: Files) -> dict[str, bytes]:
    """Leave out what is inherited from the base, and say in snapshot.yaml what the base is."""
    inherited = {path: body for path, body in base.items() if path.startswith(INHERITED)}
    kept = {path: body for path, body in own.items() if inherited.get(path) != body}
    keys: dict[str, str | list[str]] = {"extends": BASE}
    if gone := without(inherited, own):
        keys["without"] = gone
    snapshot = own["snapshot.yaml"].decode()
    if not snapshot.startswith(FORMAT):
        raise ValueError(f"snapshot.yaml does not start with {FORMAT!r}")
    lines = yaml.safe_dump(keys, sort_keys=False) + snapshot.removeprefix(FORMAT)
    return {**kept, "snapshot.yaml": f"{FORMAT}{lines}".encode()}


def readable(objects: bytes) -> bytes:
    """Write one field a line, in the order recorded, so that a diff shows what changed."""
    return f"{json.dumps(json.loads(objects), indent=1, ensure_ascii=False)}\n".encode()


def restore(base: Files, own: Files) -> dict[str, bytes]:
    """Put a folder together from its base and its differences, as a loader does."""
    declared = yaml.safe_load(own["snapshot.yaml"])
    if "extends" not in declared:
        return dict(own)
    gone = declared.get("without", [])
    inherited = {
        path: body
        for path, body in base.items()
        if path.startswith(INHERITED) and not any(within(path, folder) for folder in gone)
    }
    return {**inherited, **own}


def write(folder: Path, files: Files) -> None:
    """Write a snapshot folder anew."""
    if folder.exists():
        shutil.rmtree(folder)
    for path, body in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)


def incident(name: str, base: Files, own: Files) -> dict[str, bytes]:
    """Turn a recorded folder into the one that is kept, and prove that nothing of its trees is lost."""
    objects = "cluster/objects.json"
    files = dict(own) if name in SELF_CONTAINED else differences(base, own)
    back = restore(base, files)
    if {**back, "snapshot.yaml": own["snapshot.yaml"]} != own:
        raise ValueError(f"{name}: base and differences do not give back what was recorded")
    return {**files, objects: readable(own[objects])}


def main() -> None:
    """Import every snapshot folder of SRC into DST."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", metavar="SRC", type=Path)
    parser.add_argument("target", metavar="DST", type=Path)
    arguments = parser.parse_args()
    sources = [path.parent for path in sorted(arguments.source.glob("*/snapshot.yaml"))]
    recorded = {folder.name: read(folder) for folder in sources}
    kept = {name: incident(name, recorded[BASE], own) for name, own in recorded.items()}
    for name, files in kept.items():
        write(arguments.target / name, files)
    shutil.copyfile(arguments.source / "fault-ids.yaml", arguments.target / "fault-ids.yaml")
    size = sum(len(body) for files in kept.values() for body in files.values())
    count = sum(len(files) for files in kept.values())
    print(f"{len(kept)} incidents, {count} files, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

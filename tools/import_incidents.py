"""Imports recorded snapshot folders as incidents: one complete base, and the others as differences from it.

    python tools/import_incidents.py SRC DST

SRC contains snapshot folders whose git trees are nearly identical. In DST each gets two keys in its
``snapshot.yaml``: ``extends``, the sibling folder from which it inherits files under ``git/`` and ``helm/``
unless it has its own, and ``without``, the inherited files or folders to leave out. Everything else is copied.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

import yaml

BASE = "healthy-baseline"
#: Complete, because they are also read without their siblings.
SELF_CONTAINED = frozenset({BASE, "hr-dependson-not-ready"})
INHERITED = ("git/", "helm/")
FORMAT = "format: 1\n"

Files = Mapping[str, bytes]


def read(folder: Path) -> dict[str, bytes]:
    """Read every file of a snapshot folder, by its path inside it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def within(path: str, folder: str) -> bool:
    """Tell whether the path is the folder or is in it."""
    return path == folder or path.startswith(f"{folder}/")


def folders(path: str) -> list[str]:
    """List the folders that contain a file, the outermost first."""
    return [str(folder) for folder in reversed(PurePosixPath(path).parents)][1:]


def without(base: Collection[str], own: Collection[str]) -> list[str]:
    """List what a folder lacks of the base: single files, or whole folders without any file of the base."""
    remaining = {folder for path in base if path in own for folder in folders(path)}
    removed = {
        next((folder for folder in folders(path) if folder not in remaining), path) for path in base if path not in own
    }
    return sorted(removed)


def differences(base: Files, own: Files) -> dict[str, bytes]:
    """Return the files without those inherited from the base, with the base named in snapshot.yaml."""
    inherited = {path: body for path, body in base.items() if path.startswith(INHERITED)}
    changed = {path: body for path, body in own.items() if inherited.get(path) != body}
    keys: dict[str, str | list[str]] = {"extends": BASE}
    if removed := without(inherited, own):
        keys["without"] = removed
    snapshot = own["snapshot.yaml"].decode()
    if not snapshot.startswith(FORMAT):
        raise ValueError(f"snapshot.yaml does not start with {FORMAT!r}")
    lines = yaml.safe_dump(keys, sort_keys=False) + snapshot.removeprefix(FORMAT)
    return {**changed, "snapshot.yaml": f"{FORMAT}{lines}".encode()}


def readable(objects: bytes) -> bytes:
    """Format JSON with one field per line, in the recorded order, so that a diff shows the changes."""
    return f"{json.dumps(json.loads(objects), indent=1, ensure_ascii=False)}\n".encode()


def restore(base: Files, own: Files) -> dict[str, bytes]:
    """Return a folder's files from its base and its differences, as the loader does."""
    declared = yaml.safe_load(own["snapshot.yaml"])
    if "extends" not in declared:
        return dict(own)
    removed = declared.get("without", [])
    inherited = {
        path: body
        for path, body in base.items()
        if path.startswith(INHERITED) and not any(within(path, folder) for folder in removed)
    }
    return {**inherited, **own}


def write(folder: Path, files: Files) -> None:
    """Replace a snapshot folder."""
    if folder.exists():
        shutil.rmtree(folder)
    for path, body in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)


def incident(name: str, base: Files, own: Files) -> dict[str, bytes]:
    """Return the files of an incident from a recorded folder. Raises ValueError if any file of its trees would be lost."""
    objects = "cluster/objects.json"
    files = dict(own) if name in SELF_CONTAINED else differences(base, own)
    restored = restore(base, files)
    if {**restored, "snapshot.yaml": own["snapshot.yaml"]} != own:
        raise ValueError(f"{name}: base and differences do not restore the recorded files")
    return {**files, objects: readable(own[objects])}


def main() -> None:
    """Import every snapshot folder of SRC into DST."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", metavar="SRC", type=Path)
    parser.add_argument("target", metavar="DST", type=Path)
    arguments = parser.parse_args()
    sources = [path.parent for path in sorted(arguments.source.glob("*/snapshot.yaml"))]
    recorded = {folder.name: read(folder) for folder in sources}
    incidents = {name: incident(name, recorded[BASE], own) for name, own in recorded.items()}
    for name, files in incidents.items():
        write(arguments.target / name, files)
    shutil.copyfile(arguments.source / "fault-ids.yaml", arguments.target / "fault-ids.yaml")
    size = sum(len(body) for files in incidents.values() for body in files.values())
    count = sum(len(files) for files in incidents.values())
    print(f"{len(incidents)} incidents, {count} files, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

"""Writes a Snapshot to a folder or .tgz, format 1. snapshot_folder.load() reads the same facts from it."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fluxdoctor.collect.charts import chart_archive
from fluxdoctor.collect.store import oci_folder, saved_gaps
from fluxdoctor.collect.store.snapshot_folder import FORMAT
from fluxdoctor.intake.credentials import redacted_parts
from fluxdoctor.model.chart_indexes import ChartVersion
from fluxdoctor.model.charts import Charts
from fluxdoctor.model.cluster import Cluster, Event
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot, Target
from fluxdoctor.model.tree import GitTrees


def check(root: Path) -> None:
    """Check that a snapshot can be written to a path. Raises FileExistsError or NotADirectoryError if it cannot."""
    if not root.parent.is_dir():
        raise NotADirectoryError(f"{root.parent}: no such folder")
    if _is_archive(root):
        if root.exists():
            raise FileExistsError(f"{root} already exists")
    elif root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(f"{root} is not empty: a snapshot needs an empty folder")


def save(snapshot: Snapshot, root: Path) -> None:
    """Write a snapshot to a folder, which must be empty or not exist, or to a .tgz file, which must not exist.

    Raises FileExistsError if the target exists, OSError if it cannot be written. An incomplete snapshot is removed.
    """
    check(root)
    unfinished = root.with_name(f".{root.name}.part")
    try:
        if _is_archive(root):
            _pack(snapshot, unfinished)
        else:
            _write(snapshot, unfinished)
            if root.exists():
                root.rmdir()
        unfinished.rename(root)
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.unlink(missing_ok=True)


def _is_archive(root: Path) -> bool:
    return root.name.endswith((".tgz", ".tar.gz"))


def _write(snapshot: Snapshot, root: Path) -> None:
    root.mkdir(mode=0o700)
    for path, content in sorted(files(snapshot).items()):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _pack(snapshot: Snapshot, path: Path) -> None:
    """Write a reproducible archive: files sorted, no owner, time of the snapshot. The same facts give the same bytes."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        path.chmod(0o600)
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
            # snapshot.yaml comes first, so that a truncated archive can still be read in part.
            for name, content in sorted(files(snapshot).items(), key=lambda f: (f[0] != "snapshot.yaml", f[0])):
                member = tarfile.TarInfo(name)
                member.size, member.mode, member.mtime = len(content), 0o600, int(snapshot.taken.timestamp())
                archive.addfile(member, io.BytesIO(content))


def files(snapshot: Snapshot) -> dict[str, bytes]:
    """Return the files of a snapshot folder, by path."""
    contents = {
        "snapshot.yaml": _redacted_yaml(_metadata(snapshot)),
        "cluster/objects.json": _json(_objects(snapshot.cluster)),
    }
    if snapshot.git:
        contents |= dict(_git(snapshot.git))
    if snapshot.charts:
        for ref, charts in snapshot.charts.indexes.items():
            entries = {name: [_version_row(v) for v in versions] for name, versions in charts.items()}
            contents[f"helm/{ref.namespace}/{ref.name}/index.yaml"] = _redacted_yaml(
                {"apiVersion": "v1", "entries": entries}
            )
    if snapshot.archives:
        contents |= _archives(snapshot.archives)
    if snapshot.oci:
        for ref, body in oci_folder.save(snapshot.oci).items():
            contents[f"oci/{ref.namespace}/{ref.name}.yaml"] = _redacted_yaml(body)
    if snapshot.probes:
        rows = [
            {**_ref(ref), "target": p.target, "answer": p.answer.value, "detail": p.detail, "at": _time(p.at)}
            for ref, p in sorted(snapshot.probes.tried.items())
        ]
        contents["probes.yaml"] = _redacted_yaml(rows)
    return contents


def _archives(charts: Charts) -> dict[str, bytes]:
    """Return the files of repacked charts, and for Helm repositories pulled.yaml: the requested chart and served digest."""
    contents: dict[str, bytes] = {}
    rows_by_path: dict[str, list[dict[str, str]]] = {}
    for (ref, name, version), chart in charts.archives.items():
        folder = f"{ref.namespace}/{ref.name}"
        if ref.kind != "HelmRepository":
            contents[f"oci/{folder}/chart.tgz"] = chart_archive.pack(chart)
            continue
        file = f"{chart.name}-{chart.version}.tgz"
        contents[f"helm/{folder}/charts/{file}"] = chart_archive.pack(chart)
        if chart.digest:
            row = {"chart": name, "version": version, "file": file, "digest": f"sha256:{chart.digest}"}
            rows_by_path.setdefault(f"helm/{folder}/pulled.yaml", []).append(row)
    return contents | {path: _yaml(rows) for path, rows in rows_by_path.items()}


def _yaml(body: Any) -> bytes:
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=False, width=120).encode()


def _redacted_yaml(body: Any) -> bytes:
    """Return as YAML what servers said. None of it may repeat a credential that they were sent."""
    return _yaml(redacted_parts(body))


def _json(body: Any) -> bytes:
    return (json.dumps(body, indent=1) + "\n").encode()


def _time(at: Any) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _ref(ref: Ref) -> dict[str, str]:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def _metadata(snapshot: Snapshot) -> dict[str, Any]:
    cluster = snapshot.cluster
    return {
        "format": FORMAT,
        "taken": _time(snapshot.taken),
        "versions": dict(snapshot.versions.found),
        "listed": [
            {"kind": kind, "namespaces": "all" if namespaces is None else sorted(namespaces)}
            for kind, namespaces in cluster.listed.items()
        ],
        "absent": [_ref(ref) for ref in sorted(cluster.absent)],
        "gaps": [saved_gaps.to_row(gap) for gap in snapshot.gaps],
        **({"target": target_versions} if (target_versions := _target(snapshot.target)) else {}),
    }


def _target(target: Target | None) -> dict[str, str]:
    pairs = (("flux", target.flux), ("kubernetes", target.kubernetes)) if target else ()
    return {name: f"{version[0]}.{version[1]}" for name, version in pairs if version}


def _objects(cluster: Cluster) -> dict[str, Any]:
    events = [_event(ref, event) for ref in cluster.event_refs for event in cluster.events(ref)]
    return {"apiVersion": "v1", "kind": "List", "items": [*(r.body for r in cluster), *events]}


def _event(ref: Ref, event: Event) -> dict[str, Any]:
    kind, _, group = ref.kind.partition(".")
    involved = {**_ref(ref), "kind": kind, **({"apiVersion": f"{group}/v1"} if group else {})}
    return {
        "apiVersion": "v1", "kind": "Event", "metadata": {"namespace": ref.namespace}, "involvedObject": involved,
        "type": event.type, "reason": event.reason, "message": event.message, "lastTimestamp": _time(event.at),
        "count": event.count,
    }  # fmt: skip


def _git(git: GitTrees) -> Iterator[tuple[str, bytes]]:
    for ref, tree in git.trees.items():
        for path in tree.paths:
            yield f"git/{ref.namespace}/{ref.name}/{path}", tree.text(path)
    for ref, refs in git.remotes.items():
        yield f"git/{ref.namespace}/{ref.name}.refs.yaml", _redacted_yaml(dict(refs))


def _version_row(version: ChartVersion) -> dict[str, Any]:
    body: dict[str, Any] = {"version": version.version, "urls": list(version.urls)}
    if version.kube_version:
        body["kubeVersion"] = version.kube_version
    if version.dependencies:
        body["dependencies"] = [{"name": name} for name in version.dependencies]
    if version.digest:
        body["digest"] = version.digest
    if version.created:
        body["created"] = _time(version.created)
    return body

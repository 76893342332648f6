"""Loads a Snapshot from a folder of files, format 1."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fluxdoctor.collect.charts import chart_archive, index, verdicts
from fluxdoctor.collect.store import archive, oci_folder, saved_gaps
from fluxdoctor.collect.store.archive import MAX_FILE, MAX_TOTAL, SnapshotError
from fluxdoctor.collect.store.within import is_within
from fluxdoctor.intake import documents, objects
from fluxdoctor.intake.tree import Files, tree_of
from fluxdoctor.model.chart_indexes import ChartIndexes, sha256
from fluxdoctor.model.charts import Archive, Chart, Charts
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.gaps import FileScope, Gap, GapReason
from fluxdoctor.model.oci import OciTags
from fluxdoctor.model.probes import Answer, Probe, Probes
from fluxdoctor.model.resource import Fields, Ref
from fluxdoctor.model.snapshot import Snapshot, Target, Versions
from fluxdoctor.model.times import moment
from fluxdoctor.model.tree import GitTrees

FORMAT = 1
_NO_OBJECTS = "snapshot.yaml lists kinds, but cluster/ has no files"
_INHERITED = ("git/", "helm/")
_ANSWERS = {answer.value: answer for answer in Answer}


@dataclass(slots=True)
class _Loading:
    """The files of a snapshot, and the gaps from reading them."""

    files: Files
    gaps: list[Gap] = field(default_factory=list)

    def below(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        yield from ((p, self.files[p]) for p in sorted(self.files) if p.startswith(prefix))

    def yaml(self, path: str) -> Any:
        """Return the first document of a file. A file that is not YAML adds a gap and gives None."""
        try:
            return documents.load(self.files[path], path)
        except documents.YamlError as error:
            self.gaps.append(Gap(FileScope(path), GapReason.MALFORMED, f"not YAML, line {error.line}: {error.problem}"))
            return None


def load(path: str | Path, within: Sequence[Path] = ()) -> Snapshot:
    """Load a snapshot from a folder or a .tgz. Raises SnapshotError if it is not one; an unreadable file becomes a gap.

    ``within``: the allowed folders. The folder that a snapshot extends must be below one of them (empty: any).
    """
    root = Path(path)
    if not root.exists():
        raise SnapshotError(f"{root}: no such folder or file")
    gaps: list[Gap] = []
    if root.is_file():
        return parse(archive.read(root, gaps), root.name.partition(".")[0], gaps)
    return parse(read(root, gaps, within), root.name or root.resolve().name, gaps)


def read(root: Path, gaps: list[Gap], within: Sequence[Path] = ()) -> dict[str, bytes]:
    """Return the files of a snapshot folder, including the folder that it extends. An unreadable file becomes a gap."""
    return _inherit(root, _read(root, gaps), gaps, within)


def _read(root: Path, gaps: list[Gap], only: tuple[str, ...] = ("",)) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(only):
            continue
        if path.is_symlink():
            gaps.append(Gap(FileScope(name), GapReason.NOT_COLLECTED, "symbolic links are not followed"))
        elif path.is_dir():
            continue
        elif not path.is_file():
            gaps.append(Gap(FileScope(name), GapReason.NOT_COLLECTED, "neither a file nor a folder: not read"))
        else:
            try:
                size = path.stat().st_size
                total += size
                if size > MAX_FILE or total > MAX_TOTAL:
                    gaps.append(Gap(FileScope(name), GapReason.TOO_LARGE, f"too large: {size} bytes"))
                else:
                    files[name] = path.read_bytes()
            except OSError as error:
                gaps.append(Gap(FileScope(name), GapReason.UNAVAILABLE, f"could not be read: {error.strerror}"))
    return files


def _inherit(root: Path, files: dict[str, bytes], gaps: list[Gap], within: Sequence[Path]) -> dict[str, bytes]:
    """Add the git and helm files of the sibling folder in ``extends``, except existing ones and those in ``without``."""
    metadata = _read_metadata(files, root.name)
    base = metadata.text("extends")
    if metadata.has("extends") and not base:
        raise SnapshotError(f"{root}/snapshot.yaml: extends is {metadata.get('extends')!r}, not the name of a folder")
    if not base:
        return files
    if base in (".", "..") or "/" in base or "\\" in base:
        raise SnapshotError(f"{root}/snapshot.yaml: extends must be the name of a sibling folder, not a path: {base}")
    folder = root.resolve().parent / base
    if not folder.is_dir():
        raise SnapshotError(f"{root}/snapshot.yaml: it extends {base}, but there is no folder {base} beside it")
    if within and not is_within(folder, within):
        raise SnapshotError(f"{root}/snapshot.yaml: it extends {base}, which is outside the allowed folders")
    exclusions = tuple(p.rstrip("/") for p in metadata.strings("without"))
    inherited = _read(folder, gaps, _INHERITED)
    inherited_files = {
        n: b for n, b in inherited.items() if not any(n == w or n.startswith(w + "/") for w in exclusions)
    }
    return {**inherited_files, **files}


def _read_metadata(files: Files, name: str) -> Fields:
    if "snapshot.yaml" not in files:
        raise SnapshotError(f"{name}: not a snapshot folder: snapshot.yaml is missing")
    try:
        body = documents.load(files["snapshot.yaml"], "snapshot.yaml")
    except documents.YamlError as error:
        raise SnapshotError(f"{name}/{error}") from None
    metadata = Fields(body)
    version = metadata.get("format")
    if isinstance(version, bool) or version != FORMAT:
        raise SnapshotError(f"{name}/snapshot.yaml: format is {version!r}; this version reads format {FORMAT}")
    if moment(metadata.text("taken")) is None:
        raise SnapshotError(f"{name}/snapshot.yaml: taken is {metadata.get('taken')!r}, not an RFC 3339 time")
    return metadata


def parse(files: Files, name: str, gaps: list[Gap] | None = None) -> Snapshot:
    """Return the Snapshot of the files of a folder. Raises SnapshotError if snapshot.yaml cannot be read."""
    metadata = _read_metadata(files, name)
    loading = _Loading(files, [] if gaps is None else gaps)
    loading.gaps += [saved_gaps.from_row(row) for row in metadata.rows("gaps")]
    cluster = _cluster(metadata, loading)
    git = _git(cluster, loading)
    oci, probes = _oci(cluster, loading), _probes(loading)
    charts, archives = _charts(loading, oci), _archives(cluster, loading)
    return Snapshot(
        taken=moment(metadata.text("taken")) or datetime.min.replace(tzinfo=UTC),
        cluster=cluster,
        git=git,
        charts=charts,
        archives=archives,
        oci=oci,
        probes=probes,
        versions=Versions(dict(metadata.items("versions"))),
        gaps=tuple(dict.fromkeys(loading.gaps)),
        name=name,
        target=_target(metadata, name),
    )


def _target(metadata: Fields, name: str) -> Target | None:
    try:
        return Target.parse(metadata.text("target.flux"), metadata.text("target.kubernetes"))
    except ValueError as error:
        raise SnapshotError(f"{name}/snapshot.yaml: target: {error}") from None


def _cluster(metadata: Fields, loading: _Loading) -> Cluster:
    raw: list[tuple[Any, str]] = []
    if metadata.rows("listed") and not any(True for _ in loading.below("cluster/")):
        loading.gaps.append(Gap(FileScope("cluster/"), GapReason.CONFLICTING, _NO_OBJECTS))
    for path, content in loading.below("cluster/"):
        for body, origin in _parse_objects(path, content, loading):
            raw += objects.flatten(body, origin)
    is_complete = not any(gap.is_below("cluster/") for gap in loading.gaps)
    loading.gaps += _conflicts(raw)
    result = objects.read(raw)
    loading.gaps += result.gaps
    listed: dict[str, frozenset[str] | None] = {}
    for row in metadata.rows("listed"):
        everywhere = row.get("namespaces") == "all"
        listed[row.text("kind")] = None if everywhere else frozenset(row.strings("namespaces"))
    absent = [Ref(r.text("kind"), r.text("namespace"), r.text("name")) for r in metadata.rows("absent")]
    # An unreadable file may have contained any object: no kind counts as completely listed any more.
    trusted_kinds = listed if is_complete and not result.gaps else {}
    return Cluster(result.resources, listed=trusted_kinds, absent=absent, gaps=loading.gaps, events=result.events)


def _conflicts(raw: Iterable[tuple[Any, str]]) -> Iterator[Gap]:
    """Yield a gap for each object that is in the snapshot twice with different content."""
    first_places: dict[Ref, tuple[Any, str]] = {}
    for body, origin in raw:
        ref = objects.ref_of(body)
        if ref is None or ref.kind == "Event":
            continue
        first, first_origin = first_places.setdefault(ref, (body, origin))
        if first != body:
            detail = f"the snapshot contains it twice with different content ({first_origin}; {origin}); the last one is used"
            yield Gap(ref, GapReason.CONFLICTING, detail)


def _parse_objects(path: str, content: bytes, loading: _Loading) -> Iterator[tuple[Any, str]]:
    if path.endswith(".json"):
        try:
            yield json.loads(content), path
        except (ValueError, RecursionError) as error:
            place = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            loading.gaps.append(
                Gap(FileScope(path), GapReason.MALFORMED, f"not JSON{place}: the file is damaged or truncated")
            )
        return
    parsed = documents.parse(content, path)
    yield from ((d.body, path) for d in parsed.documents)
    if parsed.error:
        loading.gaps.append(
            Gap(FileScope(path), GapReason.MALFORMED, f"not YAML, line {parsed.error.line}: {parsed.error.problem}")
        )


def _files_by_source(loading: _Loading, area: str) -> dict[tuple[str, str], dict[str, bytes]]:
    """Return the files below ``area/<namespace>/<name>/``, by (namespace, name)."""
    groups: dict[tuple[str, str], dict[str, bytes]] = {}
    for path, content in loading.below(f"{area}/"):
        parts = path.split("/", 3)
        if len(parts) == 4:  # noqa: PLR2004 - area, namespace, name, the rest
            groups.setdefault((parts[1], parts[2]), {})[parts[3]] = content
    return groups


def _git(cluster: Cluster, loading: _Loading) -> GitTrees | None:
    trees = {}
    for (namespace, name), files in _files_by_source(loading, "git").items():
        ref = Ref("GitRepository", namespace, name)
        source = cluster.get(ref)
        trees[ref] = tree_of(files, source.text("spec.ignore") if source and source.has("spec.ignore") else None)
    refs = {}
    for path, _ in loading.below("git/"):
        parts = path.split("/")
        if len(parts) == 3 and path.endswith(".refs.yaml"):  # noqa: PLR2004 - git, namespace, file
            ref = Ref("GitRepository", parts[1], parts[2].removesuffix(".refs.yaml"))
            body = Fields(loading.yaml(path))
            # YAML reads an unquoted commit of digits only as a number.
            names = body.keys()
            refs[ref] = {name: str(body.get((name,))) for name in names if body.has((name,))}
    return GitTrees(trees, refs) if trees or refs else None


def _charts(loading: _Loading, oci: OciTags | None) -> ChartIndexes | None:
    """Read the indexes. If all Helm repositories are registries with known tags, no index is missing."""
    indexes = {}
    for (namespace, name), files in _files_by_source(loading, "helm").items():
        if "index.yaml" in files:
            body = loading.yaml(f"helm/{namespace}/{name}/index.yaml")
            if isinstance(body, dict):
                indexes[Ref("HelmRepository", namespace, name)] = index.entries(body)
    return ChartIndexes(indexes) if indexes or (oci and oci.charts) else None


def _archives(cluster: Cluster, loading: _Loading) -> Charts | None:
    """Read ``helm/<namespace>/<name>/charts/<chart>-<version>.tgz`` and ``oci/<namespace>/<name>/chart.tgz``.

    The content of an archive decides which chart it is. ``pulled.yaml`` beside ``charts/`` has the requested chart and the
    served digest, because the saved archive is repacked. ``chart.tgz`` is the chart of the revision of an OCIRepository.
    The same name without ``.tgz`` is a folder with the files of a chart.
    """
    archives: dict[Archive, Chart] = {}
    for (namespace, name), files in _files_by_source(loading, "helm").items():
        folder = f"helm/{namespace}/{name}/"
        repository = Ref("HelmRepository", namespace, name)
        metadata = Fields({"pulled": loading.yaml(f"{folder}pulled.yaml") if "pulled.yaml" in files else None})
        for file, chart in _read_charts(files, folder, "charts/", loading):
            rows = [row for row in metadata.rows("pulled") if row.text("file").removesuffix(".tgz") == file]
            for row in rows:
                archive_id = (repository, row.text("chart"), row.text("version"))
                archives[archive_id] = replace(chart, digest=sha256(row.text("digest")))
            if not rows:
                archives[repository, chart.name, chart.version] = chart
    for (namespace, name), files in _files_by_source(loading, "oci").items():
        source = cluster.get(Ref("OCIRepository", namespace, name))
        chart_files = {
            path: content for path, content in files.items() if path.partition("/")[0] in ("chart.tgz", "chart")
        }
        if source is None:
            continue
        for _, chart in _read_charts(chart_files, f"oci/{namespace}/{name}/", "", loading):
            archives[source.ref, "", source.text("status.artifact.revision")] = chart
    return Charts(archives, verdicts.judge(cluster, archives)) if archives else None


def _read_charts(files: Files, folder: str, prefix: str, loading: _Loading) -> Iterator[tuple[str, Chart]]:
    """Yield the charts below a folder, each with the name of its file or folder without .tgz."""
    folders: dict[str, dict[str, bytes]] = {}
    for path in (p for p in files if p.startswith(prefix)):
        name, _, inner_path = path.removeprefix(prefix).partition("/")
        folders.setdefault(name, {})[inner_path] = files[path]
    for name, contents in folders.items():
        if "" in contents and not name.endswith(".tgz"):
            continue
        try:
            chart = chart_archive.read(contents[""]) if "" in contents else chart_archive.unpacked(contents)
            yield name.removesuffix(".tgz"), chart
        except chart_archive.ChartError as error:
            loading.gaps.append(Gap(FileScope(f"{folder}{prefix}{name}"), GapReason.MALFORMED, str(error)))


def _oci(cluster: Cluster, loading: _Loading) -> OciTags | None:
    bodies: dict[Ref, Fields] = {}
    for path, _ in loading.below("oci/"):
        parts = path.removesuffix(".yaml").split("/")
        if len(parts) == 3:  # noqa: PLR2004 - oci, namespace, name
            ref = Ref("OCIRepository", parts[1], parts[2])
            if cluster.get(ref) is None and cluster.get(Ref("HelmRepository", parts[1], parts[2])):
                ref = Ref("HelmRepository", parts[1], parts[2])
            bodies[ref] = Fields(loading.yaml(path))
    return oci_folder.load(bodies) if bodies else None


def _probes(loading: _Loading) -> Probes | None:
    if "probes.yaml" not in loading.files:
        return None
    tried = {}
    for row in Fields({"probes": loading.yaml("probes.yaml")}).rows("probes"):
        ref = Ref(row.text("kind"), row.text("namespace"), row.text("name"))
        answer = _ANSWERS.get(row.text("answer"), Answer.UNKNOWN)
        tried[ref] = Probe(row.text("target"), answer, row.text("detail"), moment(row.text("at")))
    return Probes(tried)
